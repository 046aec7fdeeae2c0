import { createHash } from 'node:crypto';

/** Greengrass V1: an id is unique within its definition version and matches `[a-zA-Z0-9:_-]{1,128}`. */
const OWN = 'edge:';

/** The same for the same parts, so that a repeated deployment makes nothing anew. */
export function entryId(...parts: readonly string[]): string {
  // A separator that is in no ARN, topic or name: other parts never give the same text.
  return OWN + createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 40);
}

/** False for what the user added to the group, such as in the console. */
export function isOwnId(id: string | undefined): boolean {
  return id?.startsWith(OWN) ?? false;
}
