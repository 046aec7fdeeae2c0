import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { pathToFileURL } from 'node:url';

/** What a build leaves in its folder. */
const MODULE = pathToFileURL(path.resolve(__dirname, '../../scripts/output.mjs')).href;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'edge-output-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (file: string): string => path.join(folder, file);

async function put(file: string, from: Date): Promise<void> {
  await mkdir(path.dirname(at(file)), { recursive: true });
  await writeFile(at(file), file);
  await utimes(at(file), from, from);
}

/** A build that makes `made`, in a process of its own, as the script runs. */
async function build(made: Record<string, string>, kept: string[] = []): Promise<string[]> {
  const program = `
    import { Output } from ${JSON.stringify(MODULE)};
    const output = new Output();
    for (const [file, text] of ${JSON.stringify(Object.entries(made).map(([f, t]) => [at(f), t]))})
      await output.write(file, text);
    await output.prune(${JSON.stringify(folder)}, ${JSON.stringify(kept.map(at))});`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  return (await readdir(folder, { recursive: true })).sort();
}

const EARLIER = new Date(2020, 0, 1);
const LATER = new Date(Date.now() + 86_400_000);

test('what an earlier build left is gone, folders as well', async () => {
  await put('old/deep/a.js', EARLIER);
  await put('core/stale.js', EARLIER);
  expect(await build({ 'core/main.js': 'new' })).toEqual(['core', 'core/main.js']);
  expect(await readFile(at('core/main.js'), 'utf8')).toBe('new');
});

test('what another build makes meanwhile stays, and what this one is told to keep', async () => {
  await put('other/fresh.js', LATER);
  await put('types/index.d.ts', EARLIER);
  await put('stale.js', EARLIER);
  expect(await build({ 'main.js': 'new' }, ['types'])).toEqual([
    'main.js',
    'other',
    'other/fresh.js',
    'types',
    'types/index.d.ts',
  ]);
});

test('a file that does not change is not written again', async () => {
  await put('main.js', EARLIER);
  await build({ 'main.js': 'main.js' });
  expect((await stat(at('main.js'))).mtime).toEqual(EARLIER);
});
