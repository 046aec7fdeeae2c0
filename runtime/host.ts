import type { Logger } from 'pino';
import { EdgeError } from '../protocol/errors';
import type { Clock } from '../lib/clock';
import type { AskHandler } from './asks';
import { backgroundClock } from '../lib/clock';
import type { LogStream, ProcessSource } from './functionProcess';
import { InstanceSet } from './instanceSet';
import { MemoryWatch } from './memoryWatch';
import { ProcessPool } from './pool';
import type { FunctionHost, FunctionSpec } from './types';

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
  /** Answers what functions ask for during a call; without it their context has no `edge`. */
  asks?: AskHandler;
  /** Without it the lines go to `log`. Must not throw. */
  onLog?: (line: FunctionLogLine) => void;
  clock?: Clock;
  /** How often the memory of the processes is read. */
  memoryPollMs?: number;
}

const DEFAULT_MEMORY_POLL_MS = 25;

/** Runs functions in processes of their own. Paper: the edge's function runtime (Greengrass's role). */
export function createFunctionHost(options: FunctionHostOptions): FunctionHost {
  const { processScript, log, clock = backgroundClock } = options;
  const processes =
    options.processes ?? new ProcessPool({ processScript, size: options.poolSize, clock, log });
  const memory = new MemoryWatch({ pollMs: options.memoryPollMs ?? DEFAULT_MEMORY_POLL_MS, clock });
  const onLog = options.onLog ?? logTo(log);
  const starting = new Map<string, Promise<void>>();
  const sets = new Map<string, InstanceSet>();
  const alive = new Set<InstanceSet>();
  let closed = false;

  function createSet(key: string, spec: FunctionSpec): InstanceSet {
    return new InstanceSet({
      spec,
      memory,
      clock,
      asks: options.asks,
      takeProcess: () => processes.take(key),
      onLine: (line) => onLog({ key, ...line }),
      onCrash: ({ code, message }) => log.warn({ key, code }, message),
    });
  }

  async function startSet(key: string, spec: FunctionSpec): Promise<void> {
    const set = createSet(key, spec);
    alive.add(set);
    try {
      await set.start();
      sets.set(key, set);
    } catch (error) {
      alive.delete(set);
      await set.close(new EdgeError('CLOSED'));
      throw error;
    }
  }

  return {
    start(key, spec) {
      if (closed) return Promise.reject(new EdgeError('CLOSED'));
      if (sets.has(key)) return Promise.resolve();
      const current = starting.get(key) ?? startSet(key, spec).finally(() => starting.delete(key));
      starting.set(key, current);
      return current;
    },

    invoke(key, call) {
      const set = sets.get(key);
      return set === undefined ? Promise.reject(notDeployed(key, closed)) : set.invoke(call);
    },

    has: (key) => sets.has(key),

    async stop(key) {
      if (starting.has(key)) await starting.get(key)?.catch(() => undefined);
      const set = sets.get(key);
      if (set === undefined) return;
      sets.delete(key);
      await set.drain();
      alive.delete(set);
    },

    async close() {
      closed = true;
      sets.clear();
      memory.close();
      const reason = new EdgeError('CLOSED', 'the function host was closed');
      const ending = [...alive].map((set) => set.close(reason));
      await Promise.all([...ending, processes.close()]);
    },
  };
}

function notDeployed(key: string, closed: boolean): EdgeError {
  if (closed) return new EdgeError('CLOSED', 'the function host was closed');
  return new EdgeError('FUNCTION_NOT_DEPLOYED', `${key} does not run here`, { details: { key } });
}

function logTo(log: Logger) {
  return ({ key, requestId, stream, text }: FunctionLogLine) =>
    log.info({ function: key, requestId, stream }, text);
}
