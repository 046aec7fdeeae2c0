import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openPackageStore, type PackageStore } from '../../../runtime/packages/store';
import { packageDigest } from '../../../protocol/functionPackage';
import { silent, temporaryFolder, zipOf, type Files } from '../support';

let directory: string;
let now: number;
beforeEach(() => {
  directory = temporaryFolder();
  now = 0;
});

function open(limitBytes?: number): Promise<PackageStore> {
  const clock = { now: () => (now += 1) };
  return openPackageStore({ directory, log: silent, clock, ...(limitBytes !== undefined && { limitBytes }) });
}

async function pack(files: Files) {
  const bytes = await zipOf(files);
  return { bytes, digest: packageDigest(bytes), download: () => Promise.resolve(bytes) };
}

/** A package whose content has exactly `size` bytes. */
function sized(name: string, size: number) {
  return pack({ 'index.js': name.padEnd(size, ' ') });
}

function folders(): string[] {
  return readdirSync(path.join(directory, 'packages')).filter((name) => name !== 'package.json');
}

describe('fetch', () => {
  it('unpacks a package into a folder named by its digest', async () => {
    const store = await open();
    const { digest, download } = await pack({ 'edge.json': '{}', 'lib/deep/a.js': 'x', 'index.js': 'y' });
    const folder = await store.fetch(digest, download);
    expect(folder).toBe(path.join(directory, 'packages', digest));
    expect(folder).toBe(store.directory(digest));
    expect(readFileSync(path.join(folder, 'lib/deep/a.js'), 'utf8')).toBe('x');
    expect(existsSync(path.join(folder, 'edge.json'))).toBe(true);
    expect(store.has(digest)).toBe(true);
    expect(store.size(digest)).toBe(4);
    expect(store.usage()).toMatchObject({ bytes: 4, packages: 1 });
    await store.close();
  });

  it('unpacks nothing when the digest is another', async () => {
    const store = await open();
    const { bytes } = await pack({ 'index.js': 'evil' });
    const digest = 'a'.repeat(64);
    await expect(store.fetch(digest, () => Promise.resolve(bytes))).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      details: { expected: digest, actual: packageDigest(bytes) },
    });
    expect(store.has(digest)).toBe(false);
    expect(folders()).toEqual([]);
    expect(readdirSync(path.join(directory, 'incoming'))).toEqual([]);
  });

  it('downloads once for calls at the same time, and not at all afterwards', async () => {
    const store = await open();
    const { digest, bytes } = await pack({ 'index.js': 'x' });
    const download = jest.fn(() => Promise.resolve(bytes));
    await Promise.all([store.fetch(digest, download), store.fetch(digest, download)]);
    await store.fetch(digest, download);
    expect(download).toHaveBeenCalledTimes(1);
    await store.close();
  });

  it('tries again after a failure', async () => {
    const store = await open();
    const { digest, download } = await pack({ 'index.js': 'x' });
    await expect(store.fetch(digest, () => Promise.reject(new Error('line down')))).rejects.toThrow(
      'line down',
    );
    await store.fetch(digest, download);
    expect(store.has(digest)).toBe(true);
    await store.close();
  });

  it('refuses what is no package and leaves nothing behind', async () => {
    const store = await open();
    const garbage = Buffer.from('not a zip');
    const fetched = store.fetch(packageDigest(garbage), () => Promise.resolve(garbage));
    await expect(fetched).rejects.toMatchObject({ code: 'PACKAGE_INVALID' });
    const clash = await pack({ a: 'file', 'a/b': 'in a folder of the same name' });
    await expect(store.fetch(clash.digest, clash.download)).rejects.toMatchObject({
      code: 'PACKAGE_INVALID',
    });
    expect(folders()).toEqual([]);
    expect(readdirSync(path.join(directory, 'incoming'))).toEqual([]);
  });
});

describe('a restart', () => {
  it('finds what was there', async () => {
    const before = await open();
    const { digest, download } = await pack({ 'index.js': 'x' });
    await before.fetch(digest, download);
    await before.close();
    const after = await open();
    expect(after.has(digest)).toBe(true);
    expect(after.size(digest)).toBe(1);
  });

  it('removes what a crash left half done', async () => {
    const before = await open();
    const { digest, download } = await pack({ 'index.js': 'x' });
    await before.fetch(digest, download);
    await before.close();
    // A power cut after the rename: the folder is there, its bytes may not be.
    mkdirSync(path.join(directory, 'packages', 'b'.repeat(64)));
    mkdirSync(path.join(directory, 'incoming', 'half'));
    writeFileSync(path.join(directory, 'incoming', 'half', 'index.js'), '');
    const after = await open();
    expect(folders()).toEqual([digest]);
    expect(readdirSync(path.join(directory, 'incoming'))).toEqual([]);
    expect(after.has('b'.repeat(64))).toBe(false);
  });

  it('survives an index that cannot be read', async () => {
    const before = await open();
    const { digest, download } = await pack({ 'index.js': 'x' });
    await before.fetch(digest, download);
    await before.close();
    writeFileSync(path.join(directory, 'index.json'), '{ "pack');
    const after = await open();
    expect(after.has(digest)).toBe(false);
    await after.fetch(digest, download);
    await after.close();
    expect((await open()).has(digest)).toBe(true);
  });
});

describe('the storage limit', () => {
  it('gives up what nobody needs, the least recently used first', async () => {
    const store = await open(30);
    const [a, b, c, d] = await Promise.all(['a', 'b', 'c', 'd'].map((name) => sized(name, 10)));
    if (!a || !b || !c || !d) throw new Error('no packages');
    for (const each of [a, b, c]) await store.fetch(each.digest, each.download);
    store.touch(a.digest);
    store.needed = () => new Set([b.digest]);
    await store.fetch(d.digest, d.download);
    expect([a, b, c, d].map(({ digest }) => store.has(digest))).toEqual([true, true, false, true]);
    expect(folders().sort()).toEqual([a, b, d].map(({ digest }) => digest).sort());
    expect(store.usage().bytes).toBe(30);
    await store.close();
    expect((await open(30)).has(c.digest)).toBe(false);
  });

  it('refuses what has no room, and gives up nothing for it', async () => {
    const store = await open(30);
    const [a, b, big] = [await sized('a', 10), await sized('b', 10), await sized('big', 25)];
    for (const each of [a, b]) await store.fetch(each.digest, each.download);
    store.needed = () => new Set([a.digest]);
    await expect(store.fetch(big.digest, big.download)).rejects.toMatchObject({
      code: 'EDGE_LIMIT_EXCEEDED',
      details: { packageBytes: 25, usedBytes: 20, limitBytes: 30 },
    });
    expect(store.has(b.digest)).toBe(true);
    await store.close();
  });

  it('holds when packages arrive at the same time', async () => {
    const store = await open(25);
    const all = await Promise.all(['a', 'b', 'c', 'd'].map((name) => sized(name, 10)));
    store.needed = () => new Set(all.map(({ digest }) => digest));
    const fetched = await Promise.allSettled(
      all.map(({ digest, download }) => store.fetch(digest, download)),
    );
    expect(fetched.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    expect(store.usage().bytes).toBe(20);
    await store.close();
  });
});

describe('evict', () => {
  it('removes the folder and the entry', async () => {
    const store = await open();
    const { digest, download } = await pack({ 'index.js': 'x' });
    await store.fetch(digest, download);
    await store.evict(digest);
    await store.evict(digest);
    await store.close();
    expect(store.has(digest)).toBe(false);
    expect(folders()).toEqual([]);
    expect((await open()).has(digest)).toBe(false);
  });
});
