/** HTTP status of an error of the AWS SDK, undefined for any other. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null | undefined)?.$metadata?.httpStatusCode;
}

/** Undefined where the service says that there is no such thing. */
export async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** An ETag without the quotes that HTTP puts around it and S3's events do not. */
export function unquoted(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1');
}
