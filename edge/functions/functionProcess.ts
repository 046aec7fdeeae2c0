import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import os from 'node:os';
import { systemClock } from './clock';
import { encodeFrame, FrameDecoder } from './frames';
import { readLines } from './logLines';
import { asProcessMessage, type HostMessage, type ProcessMessage } from './processMessages';

export type LogStream = 'stdout' | 'stderr';

/** How a process ended. `failure`: it could not be started, or it broke the protocol. */
export interface ProcessExit {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  failure?: Error;
}

export interface ProcessListener {
  onMessage(message: ProcessMessage): void;
  onLine(stream: LogStream, text: string): void;
  /** Once, after everything that the process still sent. */
  onExit(exit: ProcessExit): void;
}

/** The whole environment of a function process: nothing of the core's own leaks into it. */
function cleanEnvironment(): Record<string, string> {
  const kept = ['PATH', 'LANG', 'TZ'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(kept), HOME: os.tmpdir() } as Record<string, string>;
}

/** How long after its exit a process may still be heard. */
const STRAGGLER_MS = 500;

/** V8's default young generation may alone use 48 MiB, too much of a small function's memory. */
const NODE_FLAGS = ['--max-semi-space-size=4'];

/**
 * One child process, its channel on descriptor 3 and its output. A process group of its own, so that
 * what it started ends with it and a Ctrl-C on the core's terminal reaches only the core.
 */
export class FunctionProcess {
  readonly pid: number | undefined;
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  private readonly child: ChildProcess;
  private readonly channel: Socket;
  private readonly decoder = new FrameDecoder();
  private listener: ProcessListener | undefined;
  private exit: ProcessExit | undefined;
  private failure: Error | undefined;
  private isReported = false;
  private reportGone: () => void = () => undefined;

  constructor(script: string) {
    this.gone = new Promise((resolve) => (this.reportGone = resolve));
    this.child = spawn(process.execPath, [...NODE_FLAGS, script], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
      env: cleanEnvironment(),
      cwd: os.tmpdir(),
    });
    this.pid = this.child.pid;
    // Without descriptors left there are no streams at all, only the error event.
    this.channel = ((this.child.stdio as unknown[] | undefined)?.[3] as Socket | undefined) ?? new Socket();
    this.watchChannel();
    this.watchOutput('stdout');
    this.watchOutput('stderr');
    this.child.once('error', (failure) => this.exited({ exitCode: null, signal: null, failure }));
    // The exit is known before the last of its streams is read; "close" is the later of the two.
    this.child.once('close', () => this.report());
    this.child.once('exit', (exitCode, signal) => this.exited({ exitCode, signal }));
  }

  /** Who hears of messages, output and the end from now on. */
  listen(listener: ProcessListener): void {
    this.listener = listener;
    if (this.isReported) queueMicrotask(() => listener.onExit(this.result()));
  }

  /** Throws TypeError when the message cannot be written as JSON. */
  send(message: HostMessage): void {
    this.sendFrame(encodeFrame(JSON.stringify(message)));
  }

  sendFrame(frame: Buffer): void {
    if (this.channel.writable) this.channel.write(frame);
  }

  /** Ends the process and all that it started, at once. What it still had to say is dropped. */
  kill(): void {
    this.channel.destroy();
    if (this.exit === undefined) this.signalGroup();
  }

  private watchChannel(): void {
    this.channel.on('data', (chunk: Buffer) => this.receive(chunk));
    this.channel.on('error', () => undefined);
    // Without its channel a process is of no use.
    this.channel.once('close', () => this.kill());
  }

  private receive(chunk: Buffer): void {
    try {
      this.decoder.push(chunk, (value) => {
        const message = asProcessMessage(value);
        if (message === undefined) throw new Error('a message of unknown form');
        this.listener?.onMessage(message);
      });
    } catch (error) {
      this.failure ??= error instanceof Error ? error : new Error(String(error));
      this.kill();
    }
  }

  private watchOutput(stream: LogStream): void {
    const source = this.child[stream];
    if (source) readLines(source, (text) => this.listener?.onLine(stream, text));
  }

  private exited(exit: ProcessExit): void {
    if (this.exit !== undefined) return;
    this.exit = exit;
    this.signalGroup();
    if (exit.failure) this.report();
    else systemClock.setTimeout(() => this.dropStreams(), STRAGGLER_MS);
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
    this.reportGone();
    this.listener?.onExit(this.result());
  }

  private result(): ProcessExit {
    const exit = this.exit ?? { exitCode: null, signal: null };
    return this.failure ? { ...exit, failure: this.failure } : exit;
  }

  private signalGroup(): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Nobody of the group is left.
    }
  }
}
