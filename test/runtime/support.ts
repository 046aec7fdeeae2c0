import { buildSync } from 'esbuild';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import pino from 'pino';
import { ZipFile } from 'yazl';
import type { Clock } from '../../lib/clock';
import type { FunctionSpec } from '../../runtime/types';
import { root } from '../support/root';

export const silent = pino({ level: 'silent' });

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A folder that is removed when the tests of the file are over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'edge-functions-'));
  folders.push(folder);
  return folder;
}

/** The process script, bundled as scripts/build.mjs does. */
export function buildProcessScript(): string {
  return bundle('runtime/process/main.ts', 'functionProcess.cjs');
}

export function bundle(source: string, name: string): string {
  const outfile = path.join(temporaryFolder(), name);
  buildSync({
    entryPoints: [path.join(root, source)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    mainFields: ['module', 'main'],
    absWorkingDir: root,
  });
  return outfile;
}

export type Files = Record<string, string | Buffer>;

export function writeFiles(files: Files): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
  return folder;
}

export async function zipOf(files: Files): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(content as string), name, { mtime: new Date(0) });
  }
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export function specOf(files: Files, changes: Partial<FunctionSpec> = {}): FunctionSpec {
  return {
    directory: writeFiles(files),
    handler: 'index.handler',
    memoryMiB: 256,
    timeoutMs: 20_000,
    environment: {},
    maxInstances: 1,
    maxQueue: 10,
    pinned: false,
    idleMs: 60_000,
    context: {
      functionName: 'fn',
      functionVersion: '1.0.0',
      invokedFunctionArn: 'arn:aws:lambda:edge:000000000000:function:fn:1.0.0',
    },
    ...changes,
  };
}

/** A process that has ended but was not yet reaped by its parent counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Resolves when the condition holds; a test that waits in vain fails. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Handlers connect and wait; the test sees who has come and lets them go. */
export class Gate {
  private readonly sockets = new Set<net.Socket>();
  private arrivals = 0;
  private readonly server = net.createServer((socket) => {
    this.arrivals += 1;
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
  });

  /** `exports.handler` that passes the gate and returns its event. */
  static readonly handler = `
    const net = require('node:net');
    exports.handler = (event) =>
      new Promise((resolve) => net.connect(event.port, '127.0.0.1').on('close', () => resolve(event)).resume());`;

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  get waiting(): number {
    return this.sockets.size;
  }

  /** Resolves when so many have come in all. */
  arrived(count: number): Promise<void> {
    return until(() => this.arrivals >= count);
  }

  open(): void {
    for (const socket of this.sockets) socket.end();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Time that passes only when told. */
export class ManualClock implements Clock {
  private time = 1_000_000;
  private timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  setTimeout(callback: () => void, ms: number): { cancel(): void } {
    const timer = { at: this.time + ms, callback };
    this.timers.push(timer);
    return { cancel: () => (this.timers = this.timers.filter((other) => other !== timer)) };
  }

  /** Milliseconds until each timer that runs. */
  get pending(): number[] {
    return this.timers.map(({ at }) => at - this.time).sort((a, b) => a - b);
  }

  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((other) => other !== next);
      this.time = Math.max(this.time, next.at);
      next.callback();
    }
    this.time = end;
  }
}
