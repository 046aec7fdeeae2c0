import type { Bucket, OlderVersion, StoredObject } from './model';

/** Of an object that was there before its bucket was versioned. */
export const NULL_VERSION = 'null';
/** Where AWS keeps them until a lifecycle rule says otherwise, this keeps so many of a key. */
const MOST_OLDER = 20;

/** A version as a listing tells it. */
export interface ListedVersion extends OlderVersion {
  key: string;
  isLatest: boolean;
}

/** The object that a key has now becomes an older version. */
export function retireCurrent(bucket: Bucket, key: string): void {
  const current = bucket.objects.get(key);
  if (current === undefined) return;
  const { versionId = NULL_VERSION, lastModified } = current;
  push(bucket, key, { versionId, lastModified, object: current });
}

/** What a key is from now on is that it was deleted. */
export function markDeleted(bucket: Bucket, key: string, versionId: string): void {
  push(bucket, key, { versionId, lastModified: Date.now() });
}

function push(bucket: Bucket, key: string, version: OlderVersion): void {
  const older = bucket.older.get(key) ?? [];
  bucket.older.set(key, [version, ...older].slice(0, MOST_OLDER));
}

/** True when there was one. */
export function removeOlder(bucket: Bucket, key: string, versionId: string): boolean {
  const older = bucket.older.get(key) ?? [];
  const left = older.filter((version) => version.versionId !== versionId);
  if (left.length === 0) bucket.older.delete(key);
  else bucket.older.set(key, left);
  return left.length < older.length;
}

/** The object that comes to light when the version above it is gone; it is no older version any more. */
export function resurface(bucket: Bucket, key: string): StoredObject | undefined {
  const [youngest] = bucket.older.get(key) ?? [];
  if (bucket.objects.has(key) || youngest?.object === undefined) return undefined;
  removeOlder(bucket, key, youngest.versionId);
  return youngest.object;
}

/** Every version of every key below a prefix, the youngest of each first; in no order of the keys. */
export function listVersions(bucket: Bucket, prefix: string): ListedVersion[] {
  const keys = new Set([...bucket.objects.keys(), ...bucket.older.keys()]);
  return [...keys].filter((key) => key.startsWith(prefix)).flatMap((key) => versionsOf(bucket, key));
}

function versionsOf(bucket: Bucket, key: string): ListedVersion[] {
  const object = bucket.objects.get(key);
  const current =
    object === undefined
      ? []
      : [{ versionId: object.versionId ?? NULL_VERSION, lastModified: object.lastModified, object }];
  return [...current, ...(bucket.older.get(key) ?? [])].map((version, at) => ({
    ...version,
    key,
    isLatest: at === 0,
  }));
}
