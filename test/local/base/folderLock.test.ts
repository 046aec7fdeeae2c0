import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { lockFolder } from '../../../local/base/folderLock';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'edge-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('one has the folder, until it lets go', async () => {
  const release = await lockFolder(folder, 'lock');
  await expect(lockFolder(folder, 'lock')).rejects.toMatchObject({
    code: 'CONFLICT',
    details: { pid: process.pid },
  });
  await release();
  await (
    await lockFolder(folder, 'lock')
  )();
});

test.each([
  ['whose process id another one has', JSON.stringify({ pid: process.pid, port: 1, token: 't' })],
  ['that was cut off while it wrote', '{"pid":'],
  ['of another kind', String(process.pid)],
])('a lock %s keeps nobody out', async (_what, content) => {
  await writeFile(path.join(folder, 'lock'), content);
  const release = await lockFolder(folder, 'lock');
  expect(JSON.parse(await readFile(path.join(folder, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
  await release();
});

test('who answers on the port of an owner that is gone does not pass for it', async () => {
  const other = await lockFolder(folder, 'other');
  const { port } = JSON.parse(await readFile(path.join(folder, 'other'), 'utf8')) as { port: number };
  await writeFile(path.join(folder, 'lock'), JSON.stringify({ pid: process.pid, port, token: 'mine' }));
  await (
    await lockFolder(folder, 'lock')
  )();
  await other();
});
