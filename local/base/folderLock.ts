import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { tryParseJson } from '../../lib/json';
import { EdgeError } from '../../protocol';

interface Owner {
  pid: number;
  port: number;
  /** What the owner says on that port, so that nobody else passes for it. */
  token: string;
}

const ANSWER_MS = 2_000;

/**
 * Keeps a second process out of a folder; gives the function that lets go of it. The owner is asked whether
 * it is there: its process id alone may be another's by now. Throws EdgeError CONFLICT with the process that
 * has it, in `details.pid`.
 */
export async function lockFolder(folder: string, name: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, name);
  const token = randomUUID();
  const server = createServer((socket) => socket.on('error', () => undefined).end(token));
  server.unref();
  const port = await listening(server);
  const own = JSON.stringify({ pid: process.pid, port, token } satisfies Owner);
  try {
    await writeFile(file, own, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const owner = tryParseJson(await readFile(file, 'utf8')) as Partial<Owner> | undefined;
    if (owner?.pid !== undefined && (await isThere(owner))) {
      server.close();
      throw new EdgeError('CONFLICT', `${folder} is in use by process ${owner.pid}`, {
        expected: `end process ${owner.pid}, or use it as it is`,
        details: { pid: owner.pid },
      });
    }
    await writeFile(file, own);
  }
  return async () => {
    server.close();
    await rm(file, { force: true });
  };
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function isThere({ port, token }: Partial<Owner>): Promise<boolean> {
  return new Promise((resolve) => {
    if (typeof port !== 'number') {
      resolve(false);
      return;
    }
    let said = '';
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.setEncoding('utf8').on('data', (text: string) => (said += text));
    socket.on('error', () => undefined).on('close', () => resolve(said === token));
  });
}
