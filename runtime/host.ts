import type { Logger } from 'pino';
import { backgroundClock, type Clock } from '../lib/clock';
import { EdgeError } from '../protocol/errors';
import type { LogStream, ProcessSource } from './functionProcess';
import type { HostApi } from './hostApi';
import { InstanceBudget, type InstanceLimits } from './instanceBudget';
import { InstanceSet } from './instanceSet';
import { MemoryWatch } from './memoryWatch';
import { ProcessPool } from './pool';
import { processStart } from './processStart';
import type { FunctionCall, FunctionHost, FunctionOutcome, FunctionSpec } from './types';

/** One line that a function wrote. */
export interface FunctionLogLine {
  key: string;
  /** The call that ran when it was written; absent while the module loaded. */
  requestId?: string;
  stream: LogStream;
  text: string;
}

export interface FunctionHostOptions {
  /** Path of the bundled process script (`dist/edge/functionProcess.cjs`). */
  processScript: string;
  /** Pre-started idle processes; each costs about 45 MiB. */
  poolSize: number;
  log: Logger;
  /** Where processes come from instead of a pool of the host's own; closed by close(). */
  processes?: ProcessSource;
  /** What functions may ask for during a call; without it their context is Lambda's. */
  api?: HostApi;
  /** Without it the lines go to `log`. Must not throw. */
  onLog?: (line: FunctionLogLine) => void;
  clock?: Clock;
  /** How often the memory of the processes is read. */
  memoryPollMs?: number;
}

const DEFAULT_MEMORY_POLL_MS = 25;

/** Runs functions in processes of their own, as Greengrass does on the paper's edge. */
export function createFunctionHost(options: FunctionHostOptions): FunctionHost {
  return new ProcessHost(options);
}

class ProcessHost implements FunctionHost {
  private readonly clock: Clock;
  private readonly processes: ProcessSource;
  private readonly memory: MemoryWatch;
  private readonly budget: InstanceBudget;
  private readonly onLog: (line: FunctionLogLine) => void;
  private readonly starting = new Map<string, Promise<void>>();
  private readonly sets = new Map<string, InstanceSet>();
  /** The sets in `sets`, and those that start or drain. */
  private readonly alive = new Set<InstanceSet>();
  private closed = false;

  constructor(private readonly options: FunctionHostOptions) {
    const { processScript, poolSize, log, clock = backgroundClock } = options;
    this.clock = clock;
    this.processes = options.processes ?? new ProcessPool({ processScript, size: poolSize, clock, log });
    this.memory = new MemoryWatch({ pollMs: options.memoryPollMs ?? DEFAULT_MEMORY_POLL_MS, clock });
    this.budget = new InstanceBudget(() => [...this.alive].flatMap((set) => set.running()), clock);
    this.onLog =
      options.onLog ??
      (({ key, requestId, stream, text }) => log.info({ function: key, requestId, stream }, text));
  }

  start(key: string, spec: FunctionSpec): Promise<void> {
    if (this.closed) return Promise.reject(new EdgeError('CLOSED'));
    if (this.sets.has(key)) return Promise.resolve();
    const current =
      this.starting.get(key) ?? this.startSet(key, spec).finally(() => this.starting.delete(key));
    this.starting.set(key, current);
    return current;
  }

  invoke(key: string, call: FunctionCall): Promise<FunctionOutcome> {
    return this.sets.get(key)?.invoke(call) ?? Promise.reject(this.notRunning(key));
  }

  limit(limits: InstanceLimits | undefined): void {
    this.budget.limit(limits);
  }

  has(key: string): boolean {
    return this.sets.has(key);
  }

  async stop(key: string): Promise<void> {
    const starting = this.starting.get(key);
    if (starting !== undefined) await starting.catch(() => undefined);
    const set = this.sets.get(key);
    if (set === undefined) return;
    this.sets.delete(key);
    await set.drain();
    this.alive.delete(set);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.sets.clear();
    this.memory.close();
    const reason = new EdgeError('CLOSED', 'the function host was closed');
    this.budget.close(reason);
    const ending = [...this.alive].map((set) => set.close(reason));
    await Promise.all([...ending, this.processes.close()]);
  }

  private async startSet(key: string, spec: FunctionSpec): Promise<void> {
    const { memory, clock, processes, budget } = this;
    const { api, log } = this.options;
    const start = processStart(spec);
    const set = new InstanceSet({
      ...{ key, spec, budget, memory, clock, api },
      takeProcess: () => processes.take(key, start),
      onLine: (line) => this.onLog({ key, ...line }),
      onCrash: ({ code, message, details }) =>
        log.warn({ function: key, code, trace: details?.['trace'] }, message),
    });
    this.alive.add(set);
    try {
      await set.start();
      this.sets.set(key, set);
    } catch (error) {
      this.alive.delete(set);
      await set.close(new EdgeError('CLOSED'));
      throw error;
    }
  }

  private notRunning(key: string): EdgeError {
    if (this.closed) return new EdgeError('CLOSED', 'the function host was closed');
    return new EdgeError('FUNCTION_NOT_DEPLOYED', `${key} does not run here`, { details: { key } });
  }
}
