import type { Logger } from 'pino';
import type { Clock, Timer } from '../lib/clock';
import { FunctionChild, type ChildListener } from './childProcess';
import { encodeFrame, FramedSocket } from './frames';
import {
  pauseAfter,
  type FunctionProcess,
  type FunctionProcessExit,
  type ProcessListener,
  type ProcessSource,
} from './functionProcess';
import { OrphanGuard } from './orphanGuard';
import { requireProcessMessage, type HostMessage } from './processMessages';
import type { ProcessStart } from './processStart';

export interface PoolOptions {
  /** Path of the bundled process script. */
  processScript: string;
  /** Idle processes to keep ready. */
  size: number;
  clock: Clock;
  log: Logger;
}

/** Starting Node takes a core for 40 to 90 ms: the function that was just taken goes first. */
const REFILL_DELAY_MS = 100;

/** Pre-started idle processes, and the list of all processes that are alive. */
export class ProcessPool implements ProcessSource {
  private readonly idle: SpawnedProcess[] = [];
  private readonly alive = new Set<SpawnedProcess>();
  private readonly guard: OrphanGuard;
  private refill: Timer | undefined;
  private deaths = 0;
  private closed = false;

  constructor(private readonly options: PoolOptions) {
    this.guard = new OrphanGuard(options.log);
    for (let count = 0; count < options.size; count += 1) this.addIdle();
  }

  /**
   * A process that has not run anything yet. It may still be starting; what it is sent waits.
   * Throws what node:child_process throws when the machine has no room for another.
   */
  take(_key: string, start?: ProcessStart): SpawnedProcess {
    if (start !== undefined) return this.spawn(start);
    const idle = this.idle.shift();
    if (idle !== undefined) this.deaths = 0;
    const process = idle ?? this.spawn();
    this.scheduleRefill(REFILL_DELAY_MS);
    return process;
  }

  /** Ends every process that was ever taken, and resolves when all are gone. */
  async close(): Promise<void> {
    this.closed = true;
    this.refill?.cancel();
    this.idle.length = 0;
    const ending = [...this.alive];
    for (const process of ending) process.kill();
    await Promise.all(ending.map((process) => process.gone));
    await this.guard.close();
  }

  private spawn(start?: ProcessStart): SpawnedProcess {
    const process = new SpawnedProcess(this.options.processScript, start);
    const { pid } = process;
    this.alive.add(process);
    if (pid !== undefined) this.guard.add(pid);
    void process.gone.then(() => {
      this.alive.delete(process);
      if (pid !== undefined) this.guard.remove(pid);
    });
    return process;
  }

  private trySpawn(): SpawnedProcess | undefined {
    try {
      return this.spawn();
    } catch (err) {
      this.deaths += 1;
      this.options.log.error({ err }, 'cannot start an idle function process');
      this.scheduleRefill(Math.max(REFILL_DELAY_MS, pauseAfter(this.deaths + 1)));
      return undefined;
    }
  }

  /** False when the machine has no room for another: then it is tried again later. */
  private addIdle(): boolean {
    const process = this.trySpawn();
    if (process === undefined) return false;
    const reasons: string[] = [];
    process.listen({
      onMessage: () => undefined,
      onLine: (_stream, text) => {
        if (reasons.length < 20) reasons.push(text);
      },
      onExit: (exit) => this.idleEnded(process, { ...exit, output: reasons }),
    });
    this.idle.push(process);
    return true;
  }

  /** An idle process has no reason to end; if it does so again and again, the refill slows down. */
  private idleEnded(process: SpawnedProcess, exit: object): void {
    const at = this.idle.indexOf(process);
    if (at < 0) return;
    this.idle.splice(at, 1);
    this.deaths += 1;
    this.options.log.error(exit, 'an idle function process ended');
    this.scheduleRefill(Math.max(REFILL_DELAY_MS, pauseAfter(this.deaths + 1)));
  }

  private scheduleRefill(ms: number): void {
    if (this.closed || this.options.size === 0) return;
    this.refill?.cancel();
    this.refill = this.options.clock.setTimeout(() => this.addMissing(), ms);
  }

  private addMissing(): void {
    this.refill = undefined;
    if (this.closed || this.idle.length >= this.options.size) return;
    // One at a time, so that the host gets to its other work in between.
    if (this.addIdle()) this.scheduleRefill(REFILL_DELAY_MS);
  }
}

/** A child of the host, with its channel on descriptor 3. */
class SpawnedProcess implements FunctionProcess {
  readonly gone: Promise<void>;
  private readonly child: FunctionChild;
  private readonly channel: FramedSocket;
  private listener: ProcessListener | undefined;
  private exit: FunctionProcessExit | undefined;
  private failure: Error | undefined;
  private reportGone: () => void = () => undefined;

  constructor(script: string, start?: ProcessStart) {
    this.gone = new Promise((resolve) => (this.reportGone = resolve));
    const listener: ChildListener = {
      onLine: (stream, text) => this.listener?.onLine(stream, text),
      onExit: (exit) => this.ended(exit),
    };
    this.child = new FunctionChild([script], 'pipe', listener, start);
    this.channel = new FramedSocket(this.child.channel, {
      onMessage: (value) => this.listener?.onMessage(requireProcessMessage(value)),
      onClosed: (failure) => this.channelClosed(failure),
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  listen(listener: ProcessListener): void {
    this.listener = listener;
    if (this.pid !== undefined) listener.onStarted?.(this.pid);
    const { exit } = this;
    if (exit !== undefined) queueMicrotask(() => listener.onExit(exit));
  }

  send(message: HostMessage): void {
    this.sendFrame(encodeFrame(JSON.stringify(message)));
  }

  sendFrame(frame: Buffer): void {
    this.channel.sendFrame(frame);
  }

  kill(): void {
    this.channel.destroy();
    this.child.kill();
  }

  /** A process without its channel is of no use. */
  private channelClosed(failure: Error | undefined): void {
    this.failure ??= failure;
    this.kill();
  }

  private ended(exit: FunctionProcessExit): void {
    this.exit = this.failure ? { ...exit, failure: this.failure } : exit;
    this.reportGone();
    this.listener?.onExit(this.exit);
  }
}
