import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Bucket, StoredObject } from './model';

const BUCKET_FILE = 'bucket.json';
const TEMPORARY = '.tmp';
const NEWLINE = 0x0a;
/** Up to here a write takes less time than handing it to another thread four times. */
const SMALL_BYTES = 64 * 1024;

/**
 * Objects as files: `<bucket>/objects/<SHA-256 of the key>`, one line of JSON and then the body, so
 * that both change in one rename. The name is a hash because a key may be longer than a file name, or
 * be `../x`.
 */
export class ObjectFiles {
  readonly #directory: string;
  readonly #log: Logger;
  /** The last change under way per file: changes of one file keep their order. */
  readonly #changes = new Map<string, Promise<void>>();

  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#log = log;
  }

  bucketDirectory(name: string): string {
    return join(this.#directory, name);
  }

  writeBucket({ name, createdAt }: Bucket): void {
    mkdirSync(join(this.bucketDirectory(name), 'objects'), { recursive: true });
    writeFileSync(join(this.bucketDirectory(name), BUCKET_FILE), JSON.stringify({ name, createdAt }));
  }

  async writeObject(bucket: string, { body, ...head }: StoredObject): Promise<void> {
    const path = this.#objectPath(bucket, head.key);
    const content = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]);
    if (content.length <= SMALL_BYTES && !this.#changes.has(path)) {
      writeFileSync(path + TEMPORARY, content);
      renameSync(path + TEMPORARY, path);
      return;
    }
    await this.#enqueue(path, async () => {
      await writeFile(path + TEMPORARY, content);
      await rename(path + TEMPORARY, path);
    });
  }

  removeObject(bucket: string, key: string): Promise<void> {
    const path = this.#objectPath(bucket, key);
    return this.#enqueue(path, () => rm(path, { force: true }));
  }

  async settled(): Promise<void> {
    while (this.#changes.size > 0) await Promise.allSettled(this.#changes.values());
  }

  /** What cannot be read is left out and named in the log. */
  async load(): Promise<Bucket[]> {
    const buckets: Bucket[] = [];
    for (const entry of await readdir(this.#directory, { withFileTypes: true })) {
      const bucket = entry.isDirectory() ? await this.#loadBucket(entry.name) : undefined;
      if (bucket !== undefined) buckets.push(bucket);
    }
    return buckets;
  }

  async #loadBucket(name: string): Promise<Bucket | undefined> {
    const directory = this.bucketDirectory(name);
    try {
      const { createdAt } = JSON.parse(await readFile(join(directory, BUCKET_FILE), 'utf8')) as Bucket;
      const objects = new Map<string, StoredObject>();
      for (const file of await readdir(join(directory, 'objects'))) {
        const object = await this.#loadObject(join(directory, 'objects', file));
        if (object !== undefined) objects.set(object.key, object);
      }
      return { name, createdAt, objects, older: new Map(), notifications: [] };
    } catch (error) {
      this.#log.warn({ err: error, bucket: name }, 'bucket cannot be read; left out');
      return undefined;
    }
  }

  async #loadObject(path: string): Promise<StoredObject | undefined> {
    // A write that a crash cut short.
    if (path.endsWith(TEMPORARY)) {
      await rm(path, { force: true });
      return undefined;
    }
    try {
      const content = await readFile(path);
      const end = content.indexOf(NEWLINE);
      const head = JSON.parse(content.subarray(0, end).toString('utf8')) as Omit<StoredObject, 'body'>;
      return { ...head, body: content.subarray(end + 1) };
    } catch (error) {
      this.#log.warn({ err: error, path }, 'object cannot be read; left out');
      return undefined;
    }
  }

  #objectPath(bucket: string, key: string): string {
    return join(this.bucketDirectory(bucket), 'objects', createHash('sha256').update(key).digest('hex'));
  }

  #enqueue(path: string, change: () => Promise<void>): Promise<void> {
    const done = (this.#changes.get(path) ?? Promise.resolve()).catch(() => undefined).then(change);
    this.#changes.set(path, done);
    const forget = (): void => {
      if (this.#changes.get(path) === done) this.#changes.delete(path);
    };
    done.then(forget, forget);
    return done;
  }
}
