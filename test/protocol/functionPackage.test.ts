import { crc32 } from 'node:zlib';
import { EdgeError } from '../../protocol';
import {
  configOf,
  DEFAULT_PACKAGE_LIMITS,
  handlerModuleCandidates,
  packageDigest,
  readPackage,
} from '../../protocol/functionPackage';
import { packageOf, zipOf } from '../handlers/fixtures';
import { rawZip } from './rawZip';

const limits = { packageBytes: 100_000, unpackedBytes: 200_000, entries: 10 };

async function refusal(bytes: Buffer, within = limits): Promise<EdgeError> {
  const error: unknown = await readPackage(bytes, within)
    .then(configOf)
    .catch((thrown: unknown) => thrown);
  if (error instanceof EdgeError) return error;
  throw new Error('was not refused', { cause: error });
}

describe('readPackage', () => {
  it('gives every file with its content', async () => {
    const bytes = await zipOf({
      'edge.json': '{}',
      'lib/a.js': 'a',
      'lib/deep/b.bin': Buffer.alloc(70_000, 7),
    });
    const entries = await readPackage(bytes);
    expect(entries.map(({ path, content }) => [path, content.length])).toEqual([
      ['edge.json', 2],
      ['lib/a.js', 1],
      ['lib/deep/b.bin', 70_000],
    ]);
  });

  it('skips folders and tells what is executable', async () => {
    const bytes = rawZip([
      { name: 'bin/' },
      { name: 'bin/run', content: 'x', mode: 0o100755 },
      { name: 'a', content: '' },
    ]);
    const entries = await readPackage(bytes);
    expect(entries.map(({ path, executable }) => [path, executable])).toEqual([
      ['bin/run', true],
      ['a', false],
    ]);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('this is no zip')],
    ['zeros', Buffer.alloc(5000)],
  ])('refuses %s', async (_what, bytes) => {
    expect((await refusal(bytes)).code).toBe('PACKAGE_INVALID');
  });

  it('refuses a zip that was cut short, wherever it was cut', async () => {
    const bytes = await packageOf({});
    for (let length = 0; length < bytes.length; length += 7) {
      expect((await refusal(bytes.subarray(0, length))).code).toBe('PACKAGE_INVALID');
    }
  });

  it('refuses content that does not have its checksum or cannot be inflated', async () => {
    const wrong = rawZip([{ name: 'edge.json', content: '{}', crc: crc32('other') }]);
    expect((await refusal(wrong)).code).toBe('PACKAGE_INVALID');
    const bytes = await zipOf({ 'edge.json': JSON.stringify({ pad: 'x'.repeat(2000) }) });
    bytes.fill(0xff, 50, 60);
    expect((await refusal(bytes)).code).toBe('PACKAGE_INVALID');
  });

  it.each([
    '../evil.js',
    'a/../../evil.js',
    '/etc/passwd',
    'C:/evil.js',
    'C:\\evil.js',
    '..\\evil.js',
    'a\0b',
    'a:b',
  ])('refuses the entry %j, which leaves the folder', async (name) => {
    const error = await refusal(
      rawZip([
        { name: 'edge.json', content: '{}' },
        { name, content: 'x' },
      ]),
    );
    expect(error.code).toBe('PACKAGE_UNSAFE');
    expect(error.field).toBe(name);
  });

  const LINK = 0o120777;

  it.each([
    ['absolute', [{ name: 'link', content: '/etc/passwd', mode: LINK }]],
    ['too far up', [{ name: 'a/link', content: '../../x', mode: LINK }]],
    ['down and up again', [{ name: 'link', content: 'a/../../x', mode: LINK }]],
    ['to nothing', [{ name: 'link', content: '', mode: LINK }]],
    [
      'with something below',
      [
        { name: 'link', content: 'a', mode: LINK },
        { name: 'link/x', content: 'x' },
      ],
    ],
  ])('refuses a link that leaves the package or may: %s', async (_what, entries) => {
    const error = await refusal(rawZip(entries));
    expect(error.code).toBe('PACKAGE_UNSAFE');
    expect(error.message).toMatch(/link/);
  });

  it.each(['../x/x.js', '../../index.js', './x', '..', 'y/z/'])('takes a link inside: %s', async (target) => {
    const [link] = await readPackage(rawZip([{ name: 'node_modules/.bin/x', content: target, mode: LINK }]));
    expect(link).toMatchObject({ path: 'node_modules/.bin/x', link: true, content: Buffer.from(target) });
  });

  it.each([
    ['./index.js', 'index.js'],
    ['.//lib/./a.js', 'lib/a.js'],
    ['lib\\a.js', 'lib/a.js'],
    ['data/12:30.json', 'data/12:30.json'],
    ['größe/日本語 🌡.txt', 'größe/日本語 🌡.txt'],
  ])('takes the name %j as %j', async (name, path) => {
    expect((await readPackage(rawZip([{ name: './' }, { name }]))).map((entry) => entry.path)).toEqual([
      path,
    ]);
  });

  it('finds two entries of one name, however they are written', async () => {
    const twice = rawZip([{ name: './index.js' }, { name: 'index.js' }]);
    expect((await refusal(twice)).code).toBe('PACKAGE_INVALID');
  });

  it.each([
    ['/etc/x', /begins with "\/"/],
    ['a/../b.txt', /has "\.\."/],
    ['C:\\evil.js', /drive of Windows/],
    ['a\0b', /NUL/],
  ])('says what is wrong with the name %j', async (name, why) => {
    expect((await refusal(rawZip([{ name }]))).message).toMatch(why);
  });

  it('refuses two entries of one name', async () => {
    const twice = rawZip([
      { name: 'edge.json', content: '{}' },
      { name: 'edge.json', content: '{"name":"other"}' },
    ]);
    expect((await refusal(twice)).code).toBe('PACKAGE_INVALID');
  });

  it('refuses more than the limits: zipped, declared, and entries', async () => {
    const big = await refusal(Buffer.alloc(limits.packageBytes + 1));
    expect([big.code, big.field]).toEqual(['PACKAGE_TOO_LARGE', 'package']);
    const bomb = await refusal(await zipOf({ a: Buffer.alloc(150_000), b: Buffer.alloc(150_000) }));
    expect([bomb.code, bomb.field]).toEqual(['PACKAGE_TOO_LARGE', 'unpacked package']);
    const names = Array.from({ length: 11 }, (_, n) => [`f${n}`, ''] as const);
    const many = await refusal(await zipOf(Object.fromEntries(names)));
    expect([many.code, many.field]).toEqual(['PACKAGE_TOO_LARGE', 'entries']);
  });

  it('refuses a bomb that declares less than it holds', async () => {
    const bomb = rawZip([
      { name: 'bomb', content: Buffer.alloc(50_000_000), deflate: true, declaredSize: 100 },
    ]);
    expect(bomb.length).toBeLessThan(limits.packageBytes);
    expect((await refusal(bomb)).code).toBe('PACKAGE_TOO_LARGE');
  });

  it('refuses a stored entry whose sizes disagree', async () => {
    const error = await refusal(rawZip([{ name: 'a', content: 'x'.repeat(1000), declaredSize: 10 }]));
    expect(['PACKAGE_INVALID', 'PACKAGE_TOO_LARGE']).toContain(error.code);
  });

  it('has limits within those of Lambda', () => {
    expect(DEFAULT_PACKAGE_LIMITS.packageBytes).toBeLessThanOrEqual(50 * 1024 ** 2);
    expect(DEFAULT_PACKAGE_LIMITS.unpackedBytes).toBeLessThanOrEqual(250 * 1024 ** 2);
  });
});

describe('configOf', () => {
  it('reads edge.json at the top level only', async () => {
    expect(configOf(await readPackage(await packageOf({ version: '1.2.3' }))).version).toBe('1.2.3');
    expect((await refusal(await zipOf({ 'sub/edge.json': '{}' }))).code).toBe('CONFIG_MISSING');
  });

  it.each([
    ['no JSON', '{', '(whole)'],
    ['no object', '[]', '(whole)'],
    ['a missing name', '{"handler":"index.handler"}', 'name'],
    ['more than 64 KB', JSON.stringify({ name: 'x'.repeat(66_000) }), undefined],
  ])('refuses %s', async (_what, text, field) => {
    const error = await refusal(await zipOf({ 'edge.json': text }));
    expect([error.code, error.field]).toEqual(['CONFIG_INVALID', field]);
  });
});

it('handlerModuleCandidates follows Lambda', () => {
  expect(handlerModuleCandidates('./src/app.v2.handler')).toEqual([
    'src/app.js',
    'src/app.mjs',
    'src/app.cjs',
  ]);
});

it('packageDigest is the SHA-256 of the bytes in hex', () => {
  expect(packageDigest(Buffer.from('abc'))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
});
