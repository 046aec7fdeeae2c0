import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';

export interface MotoServer {
  url: string;
  close(): Promise<void>;
}

/** Starts moto on a free port of 127.0.0.1; rejects with what it said when it ends before it listens. */
export async function startMoto(): Promise<MotoServer> {
  const child = spawn(process.env['MOTO_SERVER'] ?? 'moto_server', ['-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // It lints templates in a file of its own there.
    cwd: tmpdir(),
    // A pyenv shim starts it as a child of its own.
    detached: true,
  });
  const ended = once(child, 'close');
  const said: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    createInterface(child.stderr).on('line', (line) => {
      said.push(line);
      const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
      if (address !== undefined) resolve(address);
    });
    void ended.then(() => reject(new Error(`moto_server ended:\n${said.join('\n')}`)));
  });
  return {
    url,
    async close() {
      if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      await ended;
    },
  };
}
