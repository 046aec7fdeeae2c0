import { fork } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { DurableFile } from '../../lib/durableFile';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(path.join(tmpdir(), 'durable-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a file that does not exist reads as nothing; folders are made', async () => {
  const file = new DurableFile(path.join(folder, 'state', 'a.json'));
  expect(await file.read()).toBeUndefined();
  await file.write('one');
  expect(await file.read()).toBe('one');
});

test('writes during a write become one, and every caller hears when its content is there', async () => {
  const name = path.join(folder, 'a.json');
  const file = new DurableFile(name);
  const first = file.write('1');
  const later = ['2', '3', '4'].map((content) => file.write(content));
  await first;
  await Promise.all(later);
  expect(await readFile(name, 'utf8')).toBe('4');
  await file.write('5');
  expect(await readFile(name, 'utf8')).toBe('5');
  expect(await readdir(folder)).toEqual(['a.json']);
});

test('a write that fails rejects, and the next one works', async () => {
  const name = path.join(folder, 'a.json');
  const file = new DurableFile(name);
  await file.write('1');
  const blocked = new DurableFile(path.join(name, 'below-a-file'));
  await expect(blocked.write('x')).rejects.toThrow();
  const [failed, next] = [blocked.write('x'), blocked.write('y')];
  await expect(failed).rejects.toThrow();
  await expect(next).rejects.toThrow();
  expect(await file.read()).toBe('1');
});

test('kill -9 in the middle of writes leaves the old or the new content, never less', async () => {
  const script = path.join(folder, 'writer.cjs');
  const name = path.join(folder, 'state.json');
  await build({
    entryPoints: [path.join(__dirname, 'support/durableWriter.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'cjs',
  });
  let from = 0;
  for (let round = 0; round < 12; round++) {
    const confirmed = await writeAndKill(script, name, from, 1 + (round % 4));
    const { n, end } = JSON.parse(await readFile(name, 'utf8')) as { n: number; end: number };
    expect(end).toBe(n);
    expect(n).toBeGreaterThanOrEqual(confirmed);
    from = n + 1;
  }
});

/** Kills the writer right after it reported `count` writes, which is within the next one. */
function writeAndKill(script: string, name: string, from: number, count: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(script, [name, String(from)]);
    let confirmed = -1;
    child.on('message', (n) => {
      confirmed = n as number;
      if (confirmed - from + 1 >= count) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('exit', () => resolve(confirmed));
  });
}
