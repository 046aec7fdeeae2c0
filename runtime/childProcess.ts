import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import os from 'node:os';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { backgroundClock } from '../lib/clock';
import type { LogStream, FunctionProcessExit } from './functionProcess';
import type { ProcessStart } from './processStart';

export interface ChildListener {
  onLine(stream: LogStream, text: string): void;
  /** Once, after everything that it wrote. */
  onExit(exit: FunctionProcessExit): void;
}

/**
 * The whole environment of a function process: nothing of the host's own leaks into it. Its time zone is
 * that of Lambda, wherever the machine stands.
 */
function cleanEnvironment(): Record<string, string> {
  const kept = ['PATH', 'LANG'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(kept), HOME: os.tmpdir(), TZ: ':UTC' } as Record<string, string>;
}

/** How long after its exit a process may still be heard. */
export const STRAGGLER_MS = 500;

/** V8's default young generation may alone use 48 MiB, too much of a small function's memory. */
const NODE_FLAGS = ['--max-semi-space-size=4'];

/** Ends a process with all of its group, at once. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of the group is left.
  }
}

/**
 * A function process as a child, with its output. A process group of its own, so that what it started
 * ends with it and a Ctrl-C on the host's terminal reaches only the host.
 */
export class FunctionChild {
  readonly pid: number | undefined;
  /** This end of descriptor 3, where that is a pipe. */
  readonly channel: Socket;
  private readonly child: ChildProcess;
  private exit: FunctionProcessExit | undefined;
  private isReported = false;

  /**
   * `args`: script and arguments. `descriptor`: its descriptor 3, a pipe or a socket that is connected.
   * Throws what node:child_process throws when the machine has no room for another.
   */
  constructor(
    args: readonly string[],
    descriptor: 'pipe' | Socket,
    private readonly listener: ChildListener,
    start?: ProcessStart,
  ) {
    this.child = spawn(process.execPath, [...NODE_FLAGS, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', descriptor],
      detached: true,
      env: { ...cleanEnvironment(), ...start?.environment },
      cwd: start?.directory ?? os.tmpdir(),
    });
    this.pid = this.child.pid;
    // Without descriptors left there are no streams at all, only the error event.
    this.channel = ((this.child.stdio as unknown[] | undefined)?.[3] as Socket | undefined) ?? new Socket();
    this.watchOutput('stdout');
    this.watchOutput('stderr');
    this.child.once('error', (failure) => this.exited({ exitCode: null, signal: null, failure }));
    // The exit is known before the last of its streams is read; "close" is the later of the two.
    this.child.once('close', () => this.report());
    this.child.once('exit', (exitCode, signal) => this.exited({ exitCode, signal }));
  }

  /** Ends it and all that it started, at once. */
  kill(): void {
    if (this.exit === undefined) this.signalGroup();
  }

  private watchOutput(stream: LogStream): void {
    const source = this.child[stream];
    if (source) readLines(source, (text) => this.listener.onLine(stream, text));
  }

  private exited(exit: FunctionProcessExit): void {
    if (this.exit !== undefined) return;
    this.exit = exit;
    this.signalGroup();
    if (exit.failure) this.report();
    else backgroundClock.setTimeout(() => this.dropStreams(), STRAGGLER_MS);
  }

  /** A straggler that left the group may hold the streams open for as long as it likes. */
  private dropStreams(): void {
    this.channel.destroy();
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
  }

  private report(): void {
    if (this.exit === undefined || this.isReported) return;
    this.isReported = true;
    this.listener.onExit(this.exit);
  }

  private signalGroup(): void {
    if (this.pid !== undefined) killGroup(this.pid);
  }
}

/** A function that writes without a line break must not fill the host's memory. */
const MAX_LINE_CHARS = 16 * 1024;

/** Calls `onLine` for each line of `stream`; lines over 16 K characters come in pieces. */
function readLines(stream: Readable, onLine: (text: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) emit(line);
    if (rest.length > MAX_LINE_CHARS) {
      emit(rest);
      rest = '';
    }
  });
  stream.on('close', () => {
    if (rest !== '') emit(rest);
    rest = '';
  });
  stream.on('error', () => undefined);

  function emit(line: string): void {
    for (let at = 0; at === 0 || at < line.length; at += MAX_LINE_CHARS) {
      onLine(line.slice(at, at + MAX_LINE_CHARS));
    }
  }
}
