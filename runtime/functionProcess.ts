import { backoffMs } from '../lib/backoff';
import type { HostMessage, ProcessMessage } from './processMessages';
import type { ProcessStart } from './processStart';

export type LogStream = 'stdout' | 'stderr';

/** How a process ended. `failure`: it could not be started, or it broke the protocol. */
export interface FunctionProcessExit {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  failure?: Error;
}

export interface ProcessListener {
  /** Once, as soon as the process has an id: at once where it is a child of the host. */
  onStarted?(pid: number): void;
  onMessage(message: ProcessMessage): void;
  onLine(stream: LogStream, text: string): void;
  /** Once, after everything that the process still sent. */
  onExit(exit: FunctionProcessExit): void;
}

/** A process that runs, or will run, one instance of a function: whoever started it. */
export interface FunctionProcess {
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
  /** Who hears of messages, output and the end from now on. */
  listen(listener: ProcessListener): void;
  /** Throws TypeError when the message cannot be written as JSON. */
  send(message: HostMessage): void;
  /** What is sent before the process reads waits for it. */
  sendFrame(frame: Buffer): void;
  /** Ends the process and all that it started, at once. What it still had to say is dropped. */
  kill(): void;
}

/** Where instances get their processes. */
export interface ProcessSource {
  /**
   * A process that has not run anything yet, for the function `key`. It may still be starting. With
   * `start` it is one of its own, started like that, and not one that waited in a pool.
   */
  take(key: string, start?: ProcessStart): FunctionProcess;
  /** Ends every process that was ever taken, and resolves when all are gone. */
  close(): Promise<void>;
}

const PAUSES = { first: 100, most: 30_000 };

/**
 * Milliseconds to wait before another process is started after so many failures in a row: none after the
 * first, then 100 ms, doubling to 30 s.
 */
export function pauseAfter(failures: number): number {
  return failures <= 1 ? 0 : backoffMs(failures - 2, PAUSES);
}
