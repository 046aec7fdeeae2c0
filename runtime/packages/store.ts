import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { EdgeError } from '../../protocol/errors';
import { packageDigest, readPackage } from '../../protocol/functionPackage';
import { digestSchema } from '../../protocol/names';
import { backgroundClock, type Clock } from '../../lib/clock';
import { writeDurably } from '../../lib/durableFile';
import { contentsOf, readContents, restore, stampOf, type Contents } from './contents';
import { chooseEvictions, type FunctionPackages, type StoredPackage } from './packages';
import { syncToDisk, unpack } from './unpack';

export interface PackageStoreOptions {
  /** Survives restarts. Holds `packages/<digest>/`, `contents/<digest>.json`, `incoming/` and `index.json`. */
  directory: string;
  log: Logger;
  /** Bytes of unpacked packages. */
  limitBytes?: number;
  clock?: Pick<Clock, 'now'>;
}

const DEFAULT_STORAGE_BYTES = 1024 * 1024 * 1024;

interface Kept extends StoredPackage {
  /** Every byte has reached the disk. */
  durable: boolean;
  /** Of its files when they were last known to be as they came; undefined since a restart. */
  stamp?: string;
}

/** Opens the store below `directory`; what a crash left half done is removed. */
export async function openPackageStore(options: PackageStoreOptions): Promise<PackageStore> {
  const store = new PackageStore(options);
  await store.open();
  return store;
}

/** Function packages by digest, each unpacked in a folder of its own. */
export class PackageStore implements FunctionPackages {
  /** Bytes of unpacked packages that may be kept. */
  limitBytes: number;
  /** Digests that must not be evicted to make room. */
  needed: () => ReadonlySet<string> = () => new Set();
  private readonly kept = new Map<string, Kept>();
  private readonly fetches = new Map<string, Promise<string>>();
  private readonly installs = new Set<Promise<string>>();
  private reserved = 0;
  private closed = false;
  private writing: Promise<void> = Promise.resolve();
  private readonly clock: Pick<Clock, 'now'>;
  private readonly log: Logger;
  private readonly paths: { packages: string; contents: string; incoming: string; index: string };

  constructor({ directory, limitBytes, clock, log }: PackageStoreOptions) {
    this.limitBytes = limitBytes ?? DEFAULT_STORAGE_BYTES;
    this.clock = clock ?? backgroundClock;
    this.log = log;
    const root = path.resolve(directory);
    this.paths = {
      packages: path.join(root, 'packages'),
      contents: path.join(root, 'contents'),
      incoming: path.join(root, 'incoming'),
      index: path.join(root, 'index.json'),
    };
  }

  /** Once, before anything else. */
  async open(): Promise<void> {
    const { packages, contents, incoming, index } = this.paths;
    await rm(incoming, { recursive: true, force: true });
    for (const folder of [packages, contents, incoming]) await mkdir(folder, { recursive: true });
    // Ends Node's search: a package.json further up must not turn a package into ES modules.
    await writeFile(path.join(packages, 'package.json'), '{ "type": "commonjs" }\n');
    const folders = await readdir(packages, { withFileTypes: true });
    const present = new Set(folders.filter((entry) => entry.isDirectory()).map((entry) => entry.name));
    for (const entry of await readIndex(index)) {
      if (present.delete(entry.digest)) this.kept.set(entry.digest, { ...entry, durable: true });
    }
    for (const name of present) await rm(path.join(packages, name), { recursive: true, force: true });
    for (const name of await readdir(contents)) {
      if (!this.has(path.parse(name).name)) await rm(path.join(contents, name), { force: true });
    }
  }

  has(digest: string): boolean {
    return this.kept.has(digest);
  }

  /** The folder of a package that is here. */
  directory(digest: string): string {
    return path.join(this.paths.packages, digest);
  }

  /** Bytes of its content. */
  size(digest: string): number | undefined {
    return this.kept.get(digest)?.bytes;
  }

  packages(): StoredPackage[] {
    return [...this.kept.values()].map(publicOf);
  }

  usage(): { bytes: number; packages: number; limitBytes: number } {
    const bytes = [...this.kept.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    return { bytes, packages: this.kept.size, limitBytes: this.limitBytes };
  }

  touch(digest: string): void {
    const entry = this.kept.get(digest);
    if (entry) entry.lastUsed = this.clock.now();
  }

  /** The fetch of this digest that is under way. */
  fetching(digest: string): Promise<string> | undefined {
    return this.fetches.get(digest);
  }

  /**
   * Brings a package here and resolves with its folder; calls at the same time share one download.
   * Throws DIGEST_MISMATCH before anything is unpacked, PACKAGE_INVALID, PACKAGE_UNSAFE,
   * PACKAGE_TOO_LARGE, EDGE_LIMIT_EXCEEDED, and what `download` throws.
   */
  fetch(digest: string, download: () => Promise<Buffer>): Promise<string> {
    const current = this.fetches.get(digest);
    if (current) return current;
    if (this.has(digest)) {
      this.touch(digest);
      return Promise.resolve(this.directory(digest));
    }
    const fetch = this.bring(digest, download).finally(() => this.fetches.delete(digest));
    this.fetches.set(digest, fetch);
    return fetch;
  }

  prefetch(digest: string, download: () => Promise<Buffer>): Promise<string> {
    return this.fetch(digest, download);
  }

  /**
   * Whether the files of a package are what was brought. Code that runs as the core's own user can change
   * them, whatever their modes say; what it added beside them is removed.
   */
  async isIntact(digest: string): Promise<boolean> {
    const kept = this.kept.get(digest);
    if (kept === undefined) return false;
    const directory = this.directory(digest);
    const contents = await this.contents(digest);
    if (kept.stamp !== undefined && kept.stamp === (await stampOf(directory, contents))) return true;
    if (!(await restore(directory, contents))) return false;
    kept.stamp = await stampOf(directory, contents);
    return true;
  }

  /** Gives up a package. Its folder is gone at the latest when the store is opened again. */
  async evict(digest: string): Promise<void> {
    if (!this.kept.delete(digest)) return;
    const doomed = path.join(this.paths.incoming, randomUUID());
    try {
      await rename(this.directory(digest), doomed);
      await rm(this.contentsFile(digest), { force: true });
      this.persist();
      await rm(doomed, { recursive: true, force: true });
    } catch (err) {
      this.log.warn({ err, digest }, 'cannot remove a package');
    }
  }

  /** Resolves when all that is here is durable. What is still being downloaded is not waited for. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled(this.installs);
    await this.writing;
  }

  private async bring(digest: string, download: () => Promise<Buffer>): Promise<string> {
    const packed = await download();
    const actual = packageDigest(packed);
    if (actual !== digest) {
      throw new EdgeError('DIGEST_MISMATCH', undefined, { details: { expected: digest, actual } });
    }
    if (this.closed) throw new EdgeError('CLOSED');
    const install = this.install(digest, packed).finally(() => this.installs.delete(install));
    this.installs.add(install);
    return install;
  }

  private async install(digest: string, packed: Buffer): Promise<string> {
    const entries = await readPackage(packed);
    const bytes = entries.reduce((sum, entry) => sum + entry.content.length, 0);
    const evictions = this.reserve(bytes);
    try {
      await Promise.all(evictions.map((unneeded) => this.evict(unneeded)));
      const files = await this.place(digest, (folder) => unpack(entries, folder));
      const contents = contentsOf(entries);
      await writeFile(this.contentsFile(digest), JSON.stringify(contents));
      files.push(this.contentsFile(digest));
      const stamp = await stampOf(this.directory(digest), contents);
      this.kept.set(digest, { digest, bytes, lastUsed: this.clock.now(), durable: false, stamp });
      this.persist({ digest, files });
      return this.directory(digest);
    } catch (error) {
      throw asStorageError(error);
    } finally {
      this.reserved -= bytes;
    }
  }

  private contentsFile(digest: string): string {
    return path.join(this.paths.contents, `${digest}.json`);
  }

  /** A store of a version that kept no such list: what lies there is taken as it came. */
  private async contents(digest: string): Promise<Contents> {
    const file = this.contentsFile(digest);
    try {
      return contentsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    } catch {
      const contents = await readContents(this.directory(digest));
      await writeDurably(file, JSON.stringify(contents));
      return contents;
    }
  }

  /** Sets the room aside, and says which packages must go for it. Throws EDGE_LIMIT_EXCEEDED. */
  private reserve(bytes: number): string[] {
    const used = this.usage().bytes + this.reserved;
    const { digests, enough } = chooseEvictions(
      this.packages(),
      this.needed(),
      used + bytes - this.limitBytes,
    );
    if (!enough) {
      throw new EdgeError('EDGE_LIMIT_EXCEEDED', undefined, {
        details: { packageBytes: bytes, usedBytes: used, limitBytes: this.limitBytes },
      });
    }
    this.reserved += bytes;
    return digests;
  }

  /** A rename puts the package in place as a whole. Resolves with the paths of its files. */
  private async place(digest: string, write: (folder: string) => Promise<string[]>): Promise<string[]> {
    const temporary = path.join(this.paths.incoming, randomUUID());
    const target = this.directory(digest);
    try {
      const files = await write(temporary);
      await rm(target, { recursive: true, force: true });
      await rename(temporary, target);
      return files.map((file) => path.join(target, path.relative(temporary, file)));
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * Makes the present state durable, in the background: a function need not wait for the disk to
   * start, and a power cut before costs no more than another download.
   */
  private persist(added?: { digest: string; files: string[] }): void {
    this.writing = this.writing
      .then(async () => {
        if (added && this.has(added.digest)) await this.makeDurable(added.digest, added.files);
        const durable = [...this.kept.values()].filter((entry) => entry.durable);
        await writeDurably(this.paths.index, JSON.stringify({ packages: durable.map(publicOf) }));
      })
      .catch((err: unknown) => this.log.error({ err }, 'cannot write the index of packages'));
  }

  private async makeDurable(digest: string, files: readonly string[]): Promise<void> {
    try {
      await syncToDisk([...files, this.paths.packages]);
      const entry = this.kept.get(digest);
      if (entry) entry.durable = true;
    } catch (err) {
      // Evicted in the meantime: nothing to make durable.
      if (this.has(digest)) throw err;
    }
  }
}

function asStorageError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new EdgeError('EDGE_LIMIT_EXCEEDED', 'the disk of the edge is full', { cause: error });
}

function publicOf({ digest, bytes, lastUsed }: Kept): StoredPackage {
  return { digest, bytes, lastUsed };
}

const contentsSchema = z.record(z.string(), z.string());

const indexSchema = z.object({
  packages: z.array(z.object({ digest: digestSchema, bytes: z.int(), lastUsed: z.number() })),
});

/**
 * The packages whose every byte is on disk. A folder that is not listed may be half written after a
 * power cut, although its rename survived. An unreadable index lists nothing.
 */
async function readIndex(file: string): Promise<StoredPackage[]> {
  try {
    return indexSchema.parse(JSON.parse(await readFile(file, 'utf8'))).packages;
  } catch {
    return [];
  }
}
