import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { RetryPause } from '../ports';

export interface StoredDocument {
  text: string;
  etag: string;
}

/** Under which condition a put takes effect; absent: always. */
export type PutCondition = { ifMatch: string } | { ifAbsent: true };

/** 409: another conditional write of the same key is under way; S3 asks to try again. */
const MAX_CONFLICTS = 8;

/** JSON documents in one bucket, with S3's conditional writes. What S3 refuses otherwise is thrown. */
export class S3Documents {
  constructor(
    private readonly s3: S3Client,
    private readonly bucket: string,
    private readonly backoff: RetryPause,
  ) {}

  async get(key: string): Promise<StoredDocument | undefined> {
    try {
      const object = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
      return { text: (await object.Body?.transformToString('utf8')) ?? '', etag: object.ETag ?? '' };
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  /** False when the condition did not hold. */
  async put(key: string, text: string, condition?: PutCondition): Promise<boolean> {
    for (let conflicts = 1; ; conflicts++) {
      try {
        await this.s3.send(
          new PutObjectCommand({
            Bucket: this.bucket,
            Key: key,
            Body: text,
            ContentType: 'application/json',
            ...conditionHeaders(condition),
          }),
        );
        return true;
      } catch (error) {
        const status = condition && statusOf(error);
        // If-Match on a missing object is 404: whoever removed it was first.
        if (status === 412 || status === 404) return false;
        if (status !== 409 || conflicts === MAX_CONFLICTS) throw error;
        await this.backoff(conflicts);
      }
    }
  }

  async remove(key: string): Promise<void> {
    await this.s3.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }));
  }

  /** Keys below `prefix`; with a delimiter also the common prefixes, each ending in it. */
  async list(prefix: string, delimiter?: string): Promise<{ keys: string[]; prefixes: string[] }> {
    const keys: string[] = [];
    const prefixes: string[] = [];
    let token: string | undefined;
    do {
      const page = await this.s3.send(
        new ListObjectsV2Command({
          Bucket: this.bucket,
          Prefix: prefix,
          ...(delimiter !== undefined && { Delimiter: delimiter }),
          ...(token !== undefined && { ContinuationToken: token }),
        }),
      );
      keys.push(...(page.Contents ?? []).flatMap(({ Key }) => Key ?? []));
      prefixes.push(...(page.CommonPrefixes ?? []).flatMap(({ Prefix }) => Prefix ?? []));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return { keys, prefixes };
  }
}

function conditionHeaders(condition: PutCondition | undefined): { IfMatch?: string; IfNoneMatch?: string } {
  if (condition === undefined) return {};
  return 'ifMatch' in condition ? { IfMatch: condition.ifMatch } : { IfNoneMatch: '*' };
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof S3ServiceException)) return undefined;
  if (error.name === 'NoSuchBucket') return undefined;
  return error.$metadata.httpStatusCode;
}
