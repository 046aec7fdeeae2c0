import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import type { WantedFunction } from '../../../protocol/definition/view';
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

/** Which function versions are wanted on this edge, what is known of each, and who hears of changes. */
export class FunctionTable {
  private target = new Map<string, WantedFunction>();
  private readonly entries = new Map<string, FunctionEntry>();
  private readonly emitter = new EventEmitter();
  private closed = false;

  /** `isHere`: whether the package of this digest is on this edge. */
  constructor(
    private readonly log: Logger,
    private readonly isHere: (digest: string) => boolean,
  ) {}

  /** What is wanted from now on. A version that failed under the former target gets another chance. */
  want(target: readonly WantedFunction[]): void {
    this.target = new Map(target.map((wanted) => [wanted.key, wanted]));
    for (const { key, phase } of this.values()) if (phase === 'failed') this.entries.delete(key);
    for (const { key } of target) this.expect(key);
  }

  wanted(): WantedFunction[] {
    return [...this.target.values()];
  }

  isWanted(key: string): boolean {
    return this.target.has(key);
  }

  get(key: string): FunctionEntry | undefined {
    return this.entries.get(key);
  }

  values(): FunctionEntry[] {
    return [...this.entries.values()];
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  /** Begins anew with a version, if it is wanted and not there. */
  expect(key: string): void {
    const wanted = this.target.get(key);
    if (wanted === undefined || this.entries.has(key)) return;
    const { manifest } = wanted;
    const state = this.isHere(manifest.digest) ? 'starting' : 'fetching';
    const entry: FunctionEntry = { key, manifest, phase: 'absent', state };
    this.entries.set(key, entry);
    this.emit(entry);
  }

  setState(entry: FunctionEntry, state: FunctionState): void {
    if (entry.state === state) return;
    entry.state = state;
    this.emit(entry);
  }

  /** Those outside hear of it only while the version is wanted. */
  fail(entry: FunctionEntry, error: EdgeError): void {
    entry.phase = 'failed';
    entry.error = error;
    if (this.closed || !this.target.has(entry.key)) return;
    const trace = error.details?.['trace'];
    this.log.warn(
      { function: entry.key, code: error.code, ...(trace !== undefined && { trace }) },
      error.message,
    );
    this.setState(entry, 'failed');
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

  /** Failures from now on are not announced. */
  close(): void {
    this.closed = true;
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
