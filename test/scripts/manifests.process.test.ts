import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from '../support/root';

const FILES = ['package.json', 'device/package.json'];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'edge-manifests-'));
  await mkdir(path.join(folder, 'device'));
  for (const file of FILES) await cp(path.join(root, file), path.join(folder, file));
});
afterEach(() => rm(folder, { recursive: true }));

async function manifests(...args: string[]): Promise<string> {
  const script = path.join(root, 'scripts', 'manifests.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args, folder]);
  return stdout;
}

const read = async (file: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(path.join(folder, file), 'utf8'));

async function setRepository(repository: unknown): Promise<void> {
  const { repository: _none, ...manifest } = await read('package.json');
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ repository, ...manifest }));
}

test.each([
  'github:acme/edge',
  'acme/edge',
  'https://github.com/acme/edge',
  'git+https://github.com/acme/edge.git',
  { type: 'git', url: 'git+ssh://git@github.com/acme/edge.git' },
])('%j is said once, and both packages have it', async (repository) => {
  await setRepository(repository);
  await expect(manifests('--check')).rejects.toThrow('Out of date');
  expect(await manifests()).toBe('');
  const places = {
    homepage: 'https://github.com/acme/edge#readme',
    bugs: 'https://github.com/acme/edge/issues',
  };
  const url = 'git+https://github.com/acme/edge.git';
  expect(await read('package.json')).toMatchObject({ ...places, repository: { type: 'git', url } });
  expect(await read('device/package.json')).toMatchObject({
    ...places,
    repository: { type: 'git', url, directory: 'device' },
  });
  expect(await manifests('--check')).toBe('');
});

test('what is not set is said, and nothing is invented', async () => {
  await setRepository(undefined);
  expect(await manifests()).toContain('Not set: repository');
  for (const file of FILES) expect(await read(file)).not.toHaveProperty('bugs');
});

test('what is no address of a repository is refused', async () => {
  await setRepository('somewhere');
  await expect(manifests()).rejects.toThrow('not the address of one: somewhere');
});
