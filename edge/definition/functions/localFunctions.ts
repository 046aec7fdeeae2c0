import type { Logger } from 'pino';
import type { WantedFunction } from '../../../protocol/definition/view';
import { EdgeError } from '../../../protocol/errors';
import type { PackageLocation } from '../../../protocol/http';
import type { FunctionManifest } from '../../../protocol/manifest';
import type { FunctionState, LocalFunction, LocalFunctions } from '../../ports';
import type { Clock } from '../../../lib/clock';
import { refusedByLimits, type GroupLimits } from './limits';
import { backgroundClock } from '../../../lib/clock';
import { localArn, specOf, type ArnOf } from './functionSpec';
import { FunctionTable, type FunctionEntry } from './functionTable';
import { byLane, runLane } from './lanes';
import { Limiter } from '../../../runtime/limiter';
import { planSteps, type PlannedFunction, type StepExecutors } from './plan';
import type { FunctionPackages } from '../../../runtime/packages/packages';
import type { FunctionCall, FunctionHost, FunctionOutcome } from '../../../runtime/types';

export interface LocalFunctionsOptions {
  /** Closed by close(). */
  host: FunctionHost;
  /** Closed by close(). */
  store: FunctionPackages;
  /** Throws EdgeError (CLOUD_UNREACHABLE, …). */
  locate(digest: string): Promise<PackageLocation>;
  download(location: PackageLocation): Promise<Buffer>;
  log: Logger;
  arnOf?: ArnOf;
  /** In force until a reconcile brings others. */
  limits?: GroupLimits;
  clock?: Clock;
}

/**
 * The functions of one edge: executes plans (plan.ts) until what runs is what should run. The calls
 * in flight of a version that was replaced finish after reconcile() has resolved.
 */
export function createLocalFunctions(options: LocalFunctionsOptions): LocalFunctions {
  return new ReconciledFunctions(options);
}

const FETCHES_AT_ONCE = 6;
/** Loading a module takes a core; more at once only delay each other. */
const STARTS_AT_ONCE = 2;

class ReconciledFunctions implements LocalFunctions {
  private readonly table: FunctionTable;
  private target = new Map<string, WantedFunction>();
  private limits: GroupLimits | undefined;
  private refused = new Map<string, EdgeError>();
  /** Rises with each reconcile: steps of an older plan are not begun. */
  private generation = 0;
  private readonly lanes = new Map<string, Promise<void>>();
  /** Versions whose last calls are finishing, with their digests. */
  private readonly ending = new Map<Promise<void>, string>();
  /** Gives up waiting for a package that a newer target no longer names. By key. */
  private readonly giveUps = new Map<string, () => void>();
  private readonly fetchLimit = new Limiter(FETCHES_AT_ONCE);
  private readonly startLimit = new Limiter(STARTS_AT_ONCE);
  private waiters: (() => void)[] = [];
  private patience: { cancel(): void } | undefined;
  /** Why what this target still waits for does not come. */
  private missing: EdgeError | undefined;
  private closed = false;

  constructor(private readonly options: LocalFunctionsOptions) {
    this.table = new FunctionTable(options.log);
    this.setLimits(options.limits);
    const { store } = options;
    store.needed = () => this.neededDigests();
    if (store.delivery === undefined) return;
    store.delivery.onArrived((digest) => this.arrived(digest));
    store.delivery.onLost((digest) => this.lost(digest));
    store.delivery.isStillNeeded = (digest) => this.isStillNeeded(digest);
  }

  reconcile(target: readonly WantedFunction[], limits = this.limits): Promise<void> {
    if (this.closed) return Promise.reject(new EdgeError('CLOSED'));
    this.generation += 1;
    this.missing = undefined;
    this.setLimits(limits);
    this.target = new Map(target.map((wanted) => [wanted.key, wanted]));
    for (const { key, phase } of this.table.values()) if (phase === 'failed') this.table.delete(key);
    for (const wanted of target) this.expect(wanted);
    this.refused = refusedByLimits(target, limits, (key) => this.table.get(key)?.phase === 'serving');
    for (const [key, giveUp] of this.giveUps) if (!this.target.has(key)) giveUp();
    return new Promise((resolve) => {
      this.waiters.push(resolve);
      this.waitAtMost(this.options.store.delivery?.patienceMs);
      this.advance();
    });
  }

  undelivered(error: EdgeError): void {
    this.missing = error;
    this.advance();
  }

  async prefetch(manifest: FunctionManifest, location: PackageLocation): Promise<void> {
    if (this.closed) throw new EdgeError('CLOSED');
    await this.options.store.prefetch(manifest.digest, () => this.options.download(location));
  }

  list(): LocalFunction[] {
    return this.table.list();
  }

  get(key: string): LocalFunction | undefined {
    return this.table.view(key);
  }

  invoke(
    key: string,
    call: { requestId: string; event: unknown; device: string; hops?: number; timeoutMs?: number },
  ): Promise<FunctionOutcome> {
    const entry = this.table.get(key);
    if (entry?.phase !== 'serving') return Promise.reject(notDeployed(key, entry));
    const { requestId, event, device, hops = 0, timeoutMs } = call;
    const origin = { device, hops };
    const hostCall: FunctionCall = { requestId, event, clientContext: { custom: { device } }, origin };
    if (timeoutMs !== undefined) hostCall.timeoutMs = timeoutMs;
    return this.options.host.invoke(key, hostCall);
  }

  on(_event: 'changed', listener: (changed: LocalFunction) => void): void {
    this.table.onChanged(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.generation += 1;
    for (const giveUp of this.giveUps.values()) giveUp();
    await this.options.host.close();
    await Promise.allSettled([...this.lanes.values(), ...this.ending.keys()]);
    await this.options.store.close();
    this.resolveWaiters();
  }

  /** Begins every step that can be begun; called again whenever a lane is through. */
  private advance(): void {
    if (this.closed) return;
    this.forgetUnwanted();
    this.refuseAbsent();
    this.giveUpMissing();
    for (const [lane, steps] of byLane(this.plan())) {
      if (!this.lanes.has(lane)) this.lanes.set(lane, this.run(lane, steps));
    }
    if (this.lanes.size === 0 && this.awaited().length === 0) this.resolveWaiters();
  }

  private plan() {
    const { store } = this.options;
    // A plan has no steps for what has not been delivered, and lets nothing else be stopped for it.
    const awaited = this.awaited().map(({ key, manifest: { name, digest } }) => ({
      ...{ key, name, digest },
      phase: 'failed' as const,
    }));
    const current = {
      packages: store.packages(),
      functions: [...this.table.current(), ...awaited],
      storageLimitBytes: store.limitBytes,
    };
    return planSteps(current, [...this.target.values()].map(plannedOf));
  }

  private async run(lane: string, steps: Parameters<typeof runLane>[0]): Promise<void> {
    const { generation } = this;
    try {
      // The lane is registered before its first step.
      await Promise.resolve();
      await runLane(steps, this.executors, () => generation !== this.generation);
    } catch (err) {
      this.options.log.debug({ err, lane }, 'the rest of the steps were dropped');
    }
    this.lanes.delete(lane);
    this.advance();
  }

  private readonly executors: StepExecutors = {
    evict: ({ digest }) => this.options.store.evict(digest),
    fetch: ({ key }) =>
      this.attempt(key, 'fetching', (entry) =>
        this.fetchLimit.run(() => this.unlessGivenUp(key, this.bring(entry))),
      ),
    start: ({ key }) =>
      this.attempt(key, 'starting', (entry) => this.startLimit.run(() => this.start(entry))),
    switch: ({ key }) => {
      const entry = this.table.get(key);
      if (entry === undefined) return;
      entry.phase = 'serving';
      this.table.setState(entry, 'running');
    },
    drain: ({ key }) => {
      const entry = this.table.get(key);
      if (entry) entry.phase = 'draining';
    },
    stop: ({ key }) => this.stop(key),
  };

  /** A failure is the function's own: it is recorded there, and the rest of its steps are dropped. */
  private async attempt(
    key: string,
    state: FunctionState,
    work: (entry: FunctionEntry) => Promise<void>,
  ): Promise<void> {
    const entry = this.table.get(key);
    if (entry === undefined) return;
    this.table.setState(entry, state);
    try {
      await work(entry);
    } catch (thrown) {
      this.fail(entry, EdgeError.from(thrown));
      throw thrown;
    }
  }

  private async bring({ key, manifest: { digest } }: FunctionEntry): Promise<void> {
    const { store, locate, download } = this.options;
    if (!this.target.has(key)) throw new EdgeError('ABORTED', 'no longer wanted');
    // Someone else's fetch may have used an address that has expired.
    await store.fetching(digest)?.catch(() => undefined);
    await store.fetch(digest, async () => download(await locate(digest)));
  }

  private async unlessGivenUp(key: string, work: Promise<void>): Promise<void> {
    const givenUp = new Promise<never>((_resolve, reject) => {
      this.giveUps.set(key, () => reject(new EdgeError('ABORTED', 'no longer wanted')));
    });
    try {
      await Promise.race([work, givenUp]);
    } finally {
      this.giveUps.delete(key);
    }
  }

  private async start(entry: FunctionEntry): Promise<void> {
    const { store, host, arnOf = localArn } = this.options;
    const { digest } = entry.manifest;
    store.touch(digest);
    await host.start(entry.key, specOf(entry.manifest, store.directory(digest), arnOf, this.limits));
    entry.phase = 'started';
  }

  /** The calls in flight finish in the background: nobody who waits for a new version waits for them. */
  private stop(key: string): void {
    const entry = this.table.get(key);
    if (entry === undefined) return;
    this.table.delete(key);
    const { host, store, log } = this.options;
    const ended: Promise<void> = host
      .stop(key)
      .catch((err: unknown) => log.warn({ err, function: key }, 'could not be stopped'))
      .finally(() => {
        this.ending.delete(ended);
        store.delivery?.release(entry.manifest.digest);
      });
    this.ending.set(ended, entry.manifest.digest);
    const wantedAgain = this.target.get(key);
    if (wantedAgain) this.expect(wantedAgain);
  }

  private expect({ key, manifest }: WantedFunction): void {
    this.table.add(key, manifest, this.options.store.has(manifest.digest) ? 'starting' : 'fetching');
  }

  private fail(entry: FunctionEntry, error: EdgeError): void {
    entry.phase = 'failed';
    entry.error = error;
    if (this.closed || !this.target.has(entry.key)) return;
    this.options.log.warn({ function: entry.key, code: error.code }, error.message);
    this.table.setState(entry, 'failed');
  }

  private refuseAbsent(): void {
    for (const [key, error] of this.refused) {
      const entry = this.table.get(key);
      if (entry?.phase === 'absent' && !this.lanes.has(entry.manifest.name)) this.fail(entry, error);
    }
  }

  private giveUpMissing(): void {
    if (this.missing === undefined) return;
    for (const entry of this.awaited()) {
      entry.undelivered = true;
      this.fail(entry, this.missing);
    }
  }

  /** What was given up before it ran. While a lane is at work on it, the lane still needs it. */
  private forgetUnwanted(): void {
    for (const { key, phase, manifest } of this.table.values()) {
      const isIdle = (phase === 'absent' || phase === 'failed') && !this.lanes.has(manifest.name);
      if (isIdle && !this.target.has(key)) this.table.delete(key);
    }
  }

  /** What is wanted here and somebody else has not brought yet. */
  private awaited(): FunctionEntry[] {
    const { store } = this.options;
    if (store.delivery === undefined) return [];
    return this.table
      .values()
      .filter(({ key, phase }) => phase === 'absent' && this.target.has(key))
      .filter(({ manifest }) => !store.has(manifest.digest) && !this.lanes.has(manifest.name));
  }

  private arrived(digest: string): void {
    for (const { key, manifest, phase, error, undelivered } of this.table.values()) {
      const wanted = this.target.get(key);
      const mayStart = phase === 'failed' && (undelivered || error?.retryable);
      if (manifest.digest !== digest || !mayStart || !wanted) continue;
      this.table.delete(key);
      this.expect(wanted);
    }
    this.advance();
  }

  private lost(digest: string): void {
    for (const { key, manifest, phase } of this.table.values()) {
      if (manifest.digest === digest && phase === 'serving') this.stop(key);
    }
    this.advance();
  }

  /**
   * Greengrass counts a component as running before its function has loaded, and then takes the one
   * away that it replaces: until the new version serves, the old one does.
   */
  private isStillNeeded(digest: string): boolean {
    const functions = this.table.values();
    const isComing = (name: string) =>
      functions.some(
        ({ key, manifest, phase }) =>
          manifest.name === name && this.target.has(key) && (phase === 'absent' || phase === 'started'),
      );
    return functions.some(
      ({ key, manifest, phase }) =>
        manifest.digest === digest && phase === 'serving' && !this.target.has(key) && isComing(manifest.name),
    );
  }

  private waitAtMost(ms: number | undefined): void {
    if (ms === undefined) return;
    this.patience?.cancel();
    this.patience = (this.options.clock ?? backgroundClock).setTimeout(() => this.resolveWaiters(), ms);
  }

  private neededDigests(): Set<string> {
    const running = this.table.values().filter(({ phase }) => phase !== 'failed');
    return new Set([
      ...[...this.target.values()].map(({ manifest }) => manifest.digest),
      ...running.map(({ manifest }) => manifest.digest),
      ...this.ending.values(),
    ]);
  }

  private setLimits(limits: GroupLimits | undefined): void {
    this.limits = limits;
    if (limits) this.options.store.limitBytes = limits.storage * 1024 * 1024;
  }

  private resolveWaiters(): void {
    this.patience?.cancel();
    for (const resolve of this.waiters.splice(0)) resolve();
  }
}

function plannedOf({ key, manifest }: WantedFunction): PlannedFunction {
  return { key, name: manifest.name, digest: manifest.digest, bytes: manifest.unpackedSize };
}

function notDeployed(key: string, entry: FunctionEntry | undefined): EdgeError {
  const state = entry?.state ?? 'absent';
  return new EdgeError('FUNCTION_NOT_DEPLOYED', `${key} does not run on this edge`, {
    details: { key, state },
  });
}
