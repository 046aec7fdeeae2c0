import { mkdirSync, rmSync } from 'node:fs';
import type { Logger } from 'pino';
import { S3Error } from './errors';
import { ObjectFiles } from './objectFiles';
import type { Bucket, StoredObject } from './model';
import { markDeleted, NULL_VERSION, removeOlder, resurface, retireCurrent } from './versions';

const BUCKET_NAME = /^(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/**
 * Buckets and objects: memory decides, files keep them for the next start. A change is made in memory
 * at once, so a condition that was checked just before still holds; the promise it returns resolves
 * when the files have it.
 */
export class ObjectStore {
  readonly #buckets = new Map<string, Bucket>();
  readonly #files: ObjectFiles;
  #sequence = 0;

  private constructor(files: ObjectFiles) {
    this.#files = files;
  }

  /** Reads what an earlier run left in `directory`. */
  static async open(directory: string, log: Logger): Promise<ObjectStore> {
    mkdirSync(directory, { recursive: true });
    const files = new ObjectFiles(directory, log);
    const store = new ObjectStore(files);
    for (const bucket of await files.load()) store.#buckets.set(bucket.name, bucket);
    return store;
  }

  buckets(): Bucket[] {
    return [...this.#buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  has(name: string): boolean {
    return this.#buckets.has(name);
  }

  /** Throws NoSuchBucket. */
  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw new S3Error('NoSuchBucket', undefined, { BucketName: name });
    return bucket;
  }

  /** Throws InvalidBucketName. */
  createBucket(name: string): void {
    if (!BUCKET_NAME.test(name)) throw new S3Error('InvalidBucketName', undefined, { BucketName: name });
    if (this.#buckets.has(name)) return;
    const bucket: Bucket = {
      name,
      createdAt: Date.now(),
      objects: new Map(),
      older: new Map(),
      notifications: [],
    };
    this.#buckets.set(name, bucket);
    this.#files.writeBucket(bucket);
  }

  /** Throws NoSuchBucket, BucketNotEmpty. */
  async deleteBucket(name: string): Promise<void> {
    const { objects, older } = this.bucket(name);
    if (objects.size + older.size > 0) {
      throw new S3Error('BucketNotEmpty', undefined, { BucketName: name });
    }
    this.#buckets.delete(name);
    await this.settled();
    // Somebody may have created it again meanwhile.
    if (!this.#buckets.has(name)) rmSync(this.#files.bucketDirectory(name), { recursive: true, force: true });
  }

  /** In a versioned bucket the object gets its version id here. */
  put(bucket: Bucket, object: StoredObject): Promise<void> {
    if (bucket.versioned) {
      retireCurrent(bucket, object.key);
      object.versionId = this.nextSequencer();
    }
    bucket.objects.set(object.key, object);
    return this.#files.writeObject(bucket.name, object);
  }

  /** Resolves with the id of the delete marker in a versioned bucket. */
  async delete(bucket: Bucket, key: string): Promise<{ removed: boolean; marker?: string }> {
    const marker = bucket.versioned ? this.nextSequencer() : undefined;
    if (marker !== undefined) {
      retireCurrent(bucket, key);
      markDeleted(bucket, key, marker);
    }
    const removed = bucket.objects.delete(key);
    if (removed) await this.#files.removeObject(bucket.name, key);
    return { removed, ...(marker !== undefined && { marker }) };
  }

  /** Deletes the version for good; the one below it becomes the current one. False when there was none. */
  async deleteVersion(bucket: Bucket, key: string, versionId: string): Promise<boolean> {
    const isCurrent = (bucket.objects.get(key)?.versionId ?? NULL_VERSION) === versionId;
    const removed = isCurrent ? bucket.objects.delete(key) : removeOlder(bucket, key, versionId);
    const next = removed ? resurface(bucket, key) : undefined;
    if (next !== undefined) {
      bucket.objects.set(key, next);
      await this.#files.writeObject(bucket.name, next);
    } else if (removed && isCurrent) await this.#files.removeObject(bucket.name, key);
    return removed;
  }

  /** Every version, for good. */
  async clear(bucket: Bucket): Promise<void> {
    const keys = [...bucket.objects.keys()];
    bucket.objects.clear();
    bucket.older.clear();
    await Promise.all(keys.map((key) => this.#files.removeObject(bucket.name, key)));
  }

  /** Hex digits of a constant length; a later change of a key has the greater one, over restarts too. */
  nextSequencer(): string {
    this.#sequence = Math.max(this.#sequence + 1, Date.now() * 1000);
    return this.#sequence.toString(16).toUpperCase().padStart(16, '0');
  }

  /** Resolves when the files have every change so far. */
  settled(): Promise<void> {
    return this.#files.settled();
  }
}
