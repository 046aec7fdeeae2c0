import type { WantedFunction } from '../../../protocol/definition/view';
import { EdgeError } from '../../../protocol/errors';
import type { PackageLocation } from '../../../protocol/http';
import type { FunctionManifest } from '../../../protocol/manifest';
import { backgroundClock, type Clock, type Timer } from '../../../lib/clock';
import type { FunctionCall, FunctionOutcome } from '../../../runtime/types';
import type { LocalFunction, LocalFunctions } from '../../ports';
import type { FunctionOrigin } from './edgeApi';
import { PlanExecution, type ExecutionParts } from './execution';
import { FunctionTable, type FunctionEntry } from './functionTable';
import { refusedByLimits, type GroupLimits } from './limits';
import { byLane, planSteps, runLane, type PlannedFunction, type PlanStep } from './plan';

/** `host` and `store` are closed by close(). */
export interface LocalFunctionsOptions extends ExecutionParts {
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

class ReconciledFunctions implements LocalFunctions {
  private readonly table: FunctionTable;
  private readonly execution: PlanExecution;
  /** Versions for which the group's limits leave no room. */
  private refused = new Map<string, EdgeError>();
  /** Rises with each reconcile: steps of an older plan are not begun. */
  private generation = 0;
  private readonly lanes = new Map<string, Promise<void>>();
  private waiters: (() => void)[] = [];
  private patience: Timer | undefined;
  /** Why what this target still waits for does not come. */
  private missing: EdgeError | undefined;
  private closed = false;

  constructor(private readonly options: LocalFunctionsOptions) {
    const { store, log } = options;
    this.table = new FunctionTable(log, (digest) => store.has(digest));
    this.execution = new PlanExecution(options, this.table);
    this.setLimits(options.limits);
    store.needed = () =>
      new Set([
        ...this.table.wanted().map(({ manifest }) => manifest.digest),
        ...this.execution.digestsInUse(),
      ]);
    if (store.delivery === undefined) return;
    store.delivery.onArrived((digest) => this.arrived(digest));
    store.delivery.onLost((digest) => this.lost(digest));
    store.delivery.isStillNeeded = (digest) => this.isStillNeeded(digest);
  }

  reconcile(target: readonly WantedFunction[], limits = this.execution.limits): Promise<void> {
    if (this.closed) return Promise.reject(new EdgeError('CLOSED'));
    this.generation += 1;
    this.missing = undefined;
    this.setLimits(limits);
    this.table.want(target);
    this.refused = refusedByLimits(target, limits, (key) => this.table.get(key)?.phase === 'serving');
    this.execution.giveUpUnwanted();
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
    const origin: FunctionOrigin = { device, hops };
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
    this.table.close();
    this.execution.giveUpAll();
    await this.options.host.close();
    await Promise.all([Promise.allSettled(this.lanes.values()), this.execution.ended()]);
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

  private plan(): PlanStep[] {
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
    return planSteps(current, this.table.wanted().map(plannedOf));
  }

  private async run(lane: string, steps: readonly PlanStep[]): Promise<void> {
    const { generation } = this;
    try {
      // The lane is registered before its first step.
      await Promise.resolve();
      await runLane(steps, this.execution.executors, () => generation !== this.generation);
    } catch (err) {
      this.options.log.debug({ err, lane }, 'the rest of the steps were dropped');
    }
    this.lanes.delete(lane);
    this.advance();
  }

  private refuseAbsent(): void {
    for (const [key, error] of this.refused) {
      const entry = this.table.get(key);
      if (entry?.phase === 'absent' && !this.lanes.has(entry.manifest.name)) this.table.fail(entry, error);
    }
  }

  private giveUpMissing(): void {
    if (this.missing === undefined) return;
    for (const entry of this.awaited()) {
      entry.undelivered = true;
      this.table.fail(entry, this.missing);
    }
  }

  /** What was given up before it ran. While a lane is at work on it, the lane still needs it. */
  private forgetUnwanted(): void {
    for (const { key, phase, manifest } of this.table.values()) {
      const isIdle = (phase === 'absent' || phase === 'failed') && !this.lanes.has(manifest.name);
      if (isIdle && !this.table.isWanted(key)) this.table.delete(key);
    }
  }

  /** What is wanted here and somebody else has not brought yet. */
  private awaited(): FunctionEntry[] {
    const { store } = this.options;
    if (store.delivery === undefined) return [];
    return this.table
      .values()
      .filter(({ key, phase }) => phase === 'absent' && this.table.isWanted(key))
      .filter(({ manifest }) => !store.has(manifest.digest) && !this.lanes.has(manifest.name));
  }

  private arrived(digest: string): void {
    for (const { key, manifest, phase, error, undelivered } of this.table.values()) {
      const mayStart = phase === 'failed' && (undelivered || error?.retryable);
      if (manifest.digest !== digest || !mayStart || !this.table.isWanted(key)) continue;
      this.table.delete(key);
      this.table.expect(key);
    }
    this.advance();
  }

  private lost(digest: string): void {
    for (const { key, manifest, phase } of this.table.values()) {
      if (manifest.digest === digest && phase === 'serving') this.execution.stop(key);
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
          manifest.name === name && this.table.isWanted(key) && (phase === 'absent' || phase === 'started'),
      );
    return functions.some(
      ({ key, manifest, phase }) =>
        manifest.digest === digest &&
        phase === 'serving' &&
        !this.table.isWanted(key) &&
        isComing(manifest.name),
    );
  }

  private waitAtMost(ms: number | undefined): void {
    if (ms === undefined) return;
    this.patience?.cancel();
    this.patience = (this.options.clock ?? backgroundClock).setTimeout(() => this.resolveWaiters(), ms);
  }

  private setLimits(limits: GroupLimits | undefined): void {
    this.execution.limits = limits;
    this.options.host.limit?.(limits && { memoryMiB: limits.memory, instances: limits.instances });
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
