import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../support/root';

const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');

/** The package as a device programmer installs it: declarations, but no zod anywhere. */
let directory: string;
let types: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'edge-device-types-'));
  const installed = path.join(directory, 'node_modules', 'serverless-edge-on-demand-device');
  types = path.join(installed, 'dist', 'types');
  await mkdir(path.join(directory, 'node_modules', '@types'), { recursive: true });
  for (const dependency of ['@types/node', 'undici-types']) {
    await symlink(
      path.join(root, 'node_modules', dependency),
      path.join(directory, 'node_modules', dependency),
    );
  }
  compile(root, ['-p', path.join(root, 'device', 'tsconfig.json'), '--outDir', types]);
  await cp(path.join(root, 'device', 'package.json'), path.join(installed, 'package.json'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function compile(cwd: string, args: string[]): void {
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...args], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(stdout);
}

/** Every declaration file that `entry` reaches. */
async function reachable(entry: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  const source = await readFile(entry, 'utf8');
  for (const [, from] of source.matchAll(/(?:from |import\()'([^']+)'/g)) {
    if (!from?.startsWith('.')) throw new Error(`${path.basename(entry)} needs ${from}`);
    await reachable(path.join(path.dirname(entry), `${from}.d.ts`), seen);
  }
  return seen;
}

test('its declarations need no other package', async () => {
  const { types: entry } = JSON.parse(await readFile(path.join(root, 'device', 'package.json'), 'utf8')) as {
    types: string;
  };
  const files = await reachable(path.join(path.dirname(path.dirname(types)), entry));
  expect([...files].map((file) => path.relative(types, file)).sort()).toEqual([
    'device/client.d.ts',
    'device/edgeFunction.d.ts',
    'device/index.d.ts',
    'device/types.d.ts',
    'protocol/errors.d.ts',
  ]);
});

const PROGRAM = `
import { EdgeClient, EdgeError, EdgeFunction, type Progress } from 'serverless-edge-on-demand-device';
export async function main(signal: AbortSignal): Promise<number> {
  const pems = { certificate: 'c.pem', privateKey: 'k.pem', ca: 'ca.pem' };
  const edge: EdgeClient = await EdgeClient.connect({
    thingName: 'sensor-1', ...pems, discovery: { url: 'https://localhost:8443' } });
  const onProgress = ({ stage }: Progress): void => console.log(stage);
  const detect: EdgeFunction = await edge.deploy('detectAnomaly', { version: '^1', onProgress, signal });
  const verdict = await detect.invoke<{ score: number }>({ samples: [1] }, { location: 'any' });
  edge.on('status', ({ revision }) => console.log(revision.toFixed())).on('failed', ({ error }) => {
    if (error instanceof EdgeError && error.code === 'QUEUE_FULL') console.log(error.retryable);
  });
  // @ts-expect-error exactly one of discovery and endpoint
  await EdgeClient.connect({ thingName: 'sensor-1', ...pems });
  // @ts-expect-error there is no such location
  await edge.invoke('trainModel', 1, { location: 'moon' });
  await edge.close();
  return verdict.score;
}`;

test.each(['mts', 'cts'])(
  'a strict program in a .%s file type-checks against them',
  async (extension) => {
    const file = path.join(directory, `program.${extension}`);
    await writeFile(file, PROGRAM);
    const strict = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--types', 'node'];
    compile(directory, [...strict, '--target', 'es2022', '--module', 'nodenext', file]);
  },
  120_000,
);
