import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { startProcess, type NodeProcess } from '../../../local/dev/process';

let folder: string;
const started: NodeProcess[] = [];

async function start(script: string): Promise<NodeProcess> {
  const file = join(folder, `${started.length}.cjs`);
  await writeFile(file, script);
  const child = startProcess({ name: 'example', script: file });
  started.push(child);
  return child;
}

const stays = 'setInterval(() => undefined, 1000);';
const tell = (event: object): string => `console.log(${JSON.stringify(JSON.stringify(event))});`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edge-process-'));
});

afterAll(async () => {
  await Promise.all(started.map((child) => child.kill()));
  await rm(folder, { recursive: true, force: true });
});

describe('a child process', () => {
  it('tells events, before and after one waits for them', async () => {
    const child = await start(
      `process.on('SIGTERM', () => { ${tell({ event: 'stopped' })} process.exit(0); });
       ${tell({ event: 'listening', port: 7 })} console.log('plain'); console.log('{"no": "event"}'); ${stays}`,
    );
    await expect(child.waitFor('listening')).resolves.toEqual({ event: 'listening', port: 7 });
    await expect(child.waitFor('listening', { where: ({ port }) => port === 7 })).resolves.toBeDefined();
    const stopped = child.waitFor('stopped', { fresh: true });
    await expect(child.stop()).resolves.toEqual({ code: 0, signal: null });
    await expect(stopped).resolves.toEqual({ event: 'stopped' });
    expect(child.events.map(({ event }) => event)).toEqual(['listening', 'stopped']);
  });

  it('that ends early says why', async () => {
    const child = await start(`console.error('the disk is full'); process.exitCode = 3;`);
    await expect(child.waitFor('listening')).rejects.toMatchObject({
      code: 'CLOSED',
      message: expect.stringMatching(/example: ended \(code 3\) before "listening"\nthe disk is full/),
    });
    await expect(child.waitFor('listening')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('that does not listen to SIGTERM is ended', async () => {
    const child = await start(`process.on('SIGTERM', () => undefined); ${tell({ event: 'up' })} ${stays}`);
    await child.waitFor('up');
    await expect(child.stop(50)).resolves.toEqual({ code: null, signal: 'SIGKILL' });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('does not outlive its parent on %s', async (signal) => {
    const entry = join(folder, 'parent.ts');
    const child = join(folder, 'child.cjs');
    const module = join(__dirname, '../../../local/dev/process.ts');
    await writeFile(child, stays);
    await writeFile(
      entry,
      `import { startProcess } from ${JSON.stringify(module)};
       console.log(startProcess({ name: 'child', script: ${JSON.stringify(child)} }).pid);`,
    );
    const outfile = join(folder, 'parent.cjs');
    await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'cjs' });
    const parent = spawn(process.execPath, [outfile], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    parent.kill(signal);
    await expect(once(parent, 'exit')).resolves.toEqual([null, signal]);
    await expect(gone(Number(line))).resolves.toBe(true);
  });
});

/** The parent waits for nobody, so the kernel may still be at it: ask until it is done. */
async function gone(pid: number): Promise<boolean> {
  for (;;) {
    try {
      process.kill(pid, 0);
      // Where nobody reaps orphans, an ended process stays listed.
      if ((await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')).includes(') Z ')) return true;
    } catch {
      return true;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
