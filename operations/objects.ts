import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { unlessMissing } from '../lib/awsErrors';

/** Objects read at once, where there are many. */
export const READS_AT_ONCE = 16;

export interface ListedObject {
  key: string;
  /** Milliseconds since the epoch. */
  at: number;
  etag: string;
}

/** Text of an object, undefined when there is none. */
export async function readText(s3: S3Client, bucket: string, key: string): Promise<string | undefined> {
  const found = await unlessMissing(s3.send(new GetObjectCommand({ Bucket: bucket, Key: key })));
  return found?.Body?.transformToString();
}

export async function writeText(s3: S3Client, bucket: string, key: string, text: string): Promise<void> {
  const ContentType = 'application/json';
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: text, ContentType }));
}

/** No error when there is no such object. */
export async function removeObject(s3: S3Client, bucket: string, key: string): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
}

/** Every object below a prefix, in the order of the keys; those after the key `after` alone. */
export async function objectsBelow(
  s3: S3Client,
  bucket: string,
  prefix: string,
  after?: string,
): Promise<ListedObject[]> {
  const { objects } = await list(s3, bucket, { Prefix: prefix, StartAfter: after });
  return objects;
}

/** The names of the folders right below a prefix that ends in a slash. */
export async function listFolders(s3: S3Client, bucket: string, prefix: string): Promise<string[]> {
  const { folders } = await list(s3, bucket, { Prefix: prefix, Delimiter: '/' });
  return folders.map((folder) => folder.slice(prefix.length, -1));
}

async function list(
  s3: S3Client,
  Bucket: string,
  query: { Prefix: string; Delimiter?: string; StartAfter?: string | undefined },
) {
  const objects: ListedObject[] = [];
  const folders: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket, ...query, ContinuationToken }));
    for (const { Key, LastModified, ETag } of page.Contents ?? []) {
      if (Key !== undefined) objects.push({ key: Key, at: LastModified?.getTime() ?? 0, etag: ETag ?? '' });
    }
    folders.push(...(page.CommonPrefixes ?? []).flatMap((each) => each.Prefix ?? []));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return { objects, folders };
}
