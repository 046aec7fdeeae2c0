import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import type { EdgeError } from '../../../protocol/errors';
import type { FunctionManifest } from '../../../protocol/manifest';
import type { FunctionState, LocalFunction } from '../../ports';
import type { CurrentFunction, Phase } from './plan';

export interface FunctionEntry {
  readonly key: string;
  readonly manifest: FunctionManifest;
  /** For the plan; `absent`: no process of it is up. */
  phase: Phase | 'absent';
  /** For those outside. */
  state: FunctionState;
  error?: EdgeError;
  undelivered?: true;
}

/** What is known of each function version on this edge, and who hears of its changes. */
export class FunctionTable {
  private readonly entries = new Map<string, FunctionEntry>();
  private readonly emitter = new EventEmitter();

  constructor(private readonly log: Logger) {}

  get(key: string): FunctionEntry | undefined {
    return this.entries.get(key);
  }

  values(): FunctionEntry[] {
    return [...this.entries.values()];
  }

  /** Does nothing when it is there already. */
  add(key: string, manifest: FunctionManifest, state: 'fetching' | 'starting'): void {
    if (this.entries.has(key)) return;
    const entry: FunctionEntry = { key, manifest, phase: 'absent', state };
    this.entries.set(key, entry);
    this.emit(entry);
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  setState(entry: FunctionEntry, state: FunctionState): void {
    if (entry.state === state) return;
    entry.state = state;
    this.emit(entry);
  }

  /** In the form of the plan. */
  current(): CurrentFunction[] {
    return this.values().flatMap(({ key, manifest, phase }) =>
      phase === 'absent' ? [] : [{ key, name: manifest.name, digest: manifest.digest, phase }],
    );
  }

  /** A version that gets no new calls is of nobody's interest any more. */
  list(): LocalFunction[] {
    return this.values()
      .filter(({ phase }) => phase !== 'draining')
      .map(viewOf);
  }

  view(key: string): LocalFunction | undefined {
    const entry = this.entries.get(key);
    return entry === undefined || entry.phase === 'draining' ? undefined : viewOf(entry);
  }

  onChanged(listener: (changed: LocalFunction) => void): void {
    this.emitter.on('changed', listener);
  }

  private emit(entry: FunctionEntry): void {
    try {
      this.emitter.emit('changed', viewOf(entry));
    } catch (err) {
      this.log.error({ err }, 'a listener of "changed" threw');
    }
  }
}

function viewOf({ key, manifest, state, error, undelivered }: FunctionEntry): LocalFunction {
  return {
    ...{ key, manifest, state },
    ...(error && { error: error.toJSON() }),
    ...(undelivered && { undelivered }),
  };
}
