import { EventEmitter } from 'node:events';
import type { FunctionState, LocalFunction, LocalFunctions } from '../../../edge/ports';
import { EdgeError, type FunctionManifest, type WantedFunction } from '../../../protocol';

type Call = Parameters<LocalFunctions['invoke']>[1] & { key: string };

/** Functions in memory: a test decides when they start, whether they fail, and what they answer. */
export class MemoryFunctions implements LocalFunctions {
  readonly prefetched: FunctionManifest[] = [];
  readonly targets: (readonly WantedFunction[])[] = [];
  readonly calls: Call[] = [];
  /** Awaited between `starting` and `running`; its rejection is the function's failure. */
  onStart: (key: string) => Promise<void> = async () => undefined;
  onCall: (call: Call) => Promise<unknown> = async (call) => ({ key: call.key, event: call.event });
  onPrefetch: () => Promise<void> = async () => undefined;
  private readonly functions = new Map<string, LocalFunction>();
  private readonly events = new EventEmitter();

  async reconcile(target: readonly WantedFunction[]): Promise<void> {
    this.targets.push(target);
    const wanted = new Set(target.map(({ key }) => key));
    const unwanted = [...this.functions.values()].filter(({ key }) => !wanted.has(key));
    for (const { key, state } of this.functions.values()) if (state === 'failed') this.functions.delete(key);
    for (const { key, manifest } of unwanted) {
      // What a newer version is to replace serves until that one runs, as the plan has it.
      if (target.every((other) => other.manifest.name !== manifest.name)) this.functions.delete(key);
    }
    const started = target.filter(({ key }) => !this.functions.has(key));
    await Promise.all(started.map(({ key, manifest }) => this.start(key, manifest)));
    if (this.targets.at(-1) !== target) return;
    for (const { key, manifest } of unwanted) {
      const blocked = this.list().some(
        (other) => other.manifest.name === manifest.name && other.state === 'failed',
      );
      if (!blocked) this.functions.delete(key);
    }
  }

  undelivered(error: EdgeError): void {
    for (const { key, manifest, state } of this.list()) {
      const failed = { key, manifest, state: 'failed', error: error.toJSON(), undelivered: true } as const;
      if (state !== 'fetching' && state !== 'starting') continue;
      this.functions.set(key, failed);
      this.events.emit('changed', failed);
    }
  }

  async prefetch(manifest: FunctionManifest): Promise<void> {
    this.prefetched.push(manifest);
    await this.onPrefetch();
  }

  list(): LocalFunction[] {
    return [...this.functions.values()];
  }

  get(key: string): LocalFunction | undefined {
    return this.functions.get(key);
  }

  async invoke(key: string, call: Parameters<LocalFunctions['invoke']>[1]) {
    this.calls.push({ key, ...call });
    return { output: await this.onCall({ key, ...call }), durationMs: 1 };
  }

  /** Whoever delivers functions takes it away, whatever runs in its place. */
  lose(key: string): void {
    this.functions.delete(key);
  }

  on(_event: 'changed', listener: (changed: LocalFunction) => void): void {
    this.events.on('changed', listener);
  }

  async close(): Promise<void> {
    this.functions.clear();
  }

  private async start(key: string, manifest: FunctionManifest): Promise<void> {
    this.set(key, manifest, 'fetching');
    this.set(key, manifest, 'starting');
    try {
      await this.onStart(key);
      this.set(key, manifest, 'running');
    } catch (error) {
      this.set(key, manifest, 'failed', EdgeError.from(error));
    }
  }

  private set(key: string, manifest: FunctionManifest, state: FunctionState, error?: EdgeError): void {
    const changed: LocalFunction = { key, manifest, state, ...(error && { error: error.toJSON() }) };
    this.functions.set(key, changed);
    this.events.emit('changed', changed);
  }
}
