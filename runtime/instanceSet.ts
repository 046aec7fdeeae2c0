import { EdgeError } from '../protocol/errors';
import { Timers, type Clock } from '../lib/clock';
import { CallQueue } from './callQueue';
import { pauseAfter, type FunctionProcess } from './functionProcess';
import type { HostApi } from './hostApi';
import { Instance, type InstanceSurroundings } from './instance';
import type { InstanceBudget, RetirableInstance } from './instanceBudget';
import type { MemoryWatch } from './memoryWatch';
import type { FunctionCall, FunctionOutcome, FunctionSpec } from './types';

export interface InstanceSetSurroundings {
  key: string;
  spec: FunctionSpec;
  /** What all functions of the host may take together. */
  budget: InstanceBudget;
  memory: MemoryWatch;
  clock: Clock;
  api?: HostApi | undefined;
  takeProcess: () => FunctionProcess;
  onLine: InstanceSurroundings['onLine'];
  /** An instance ended that nobody wanted to end. */
  onCrash: (reason: EdgeError) => void;
}

/**
 * A call waits so long for a busy instance before another one is started: most calls take far less,
 * and an instance costs memory for good.
 */
const SCALE_OUT_MS = 10;
/** A crash after this long is the first of a row. */
const STABLE_MS = 60_000;

/**
 * The instances of one function version: starts them as calls ask for them, up to `maxInstances`,
 * queues what is over, keeps one when pinned, and retires those that have nothing to do.
 */
export class InstanceSet {
  private readonly instances = new Set<Instance>();
  private readonly loading = new Set<Instance>();
  /** The one used last is on top, so that those not needed stay idle and retire. */
  private readonly idle: Instance[] = [];
  private readonly ending = new Set<Promise<void>>();
  private readonly queue: CallQueue;
  private readonly timers: Timers<'scale' | 'retire' | 'restart'>;
  private phase: 'open' | 'draining' | 'closed' = 'open';
  private drained: () => void = () => undefined;
  private crashes = 0;
  private loadFailures = 0;
  /** Its first instance waits for room. */
  private placing: Promise<void> | undefined;
  private heldBack: { error: EdgeError; until: number } | undefined;

  constructor(private readonly around: InstanceSetSurroundings) {
    this.queue = new CallQueue(around.clock);
    this.timers = new Timers(around.clock);
  }

  /** Resolves when one instance has loaded the handler. Throws as FunctionHost.start. */
  async start(): Promise<void> {
    await this.launch();
  }

  /** Throws as FunctionHost.invoke. */
  invoke(call: FunctionCall): Promise<FunctionOutcome> {
    const instance = this.queue.length === 0 ? this.idle.pop() : undefined;
    if (instance !== undefined) return instance.call(call, this.limitOf(call, 0));
    const refused = this.refusalOf();
    if (refused !== undefined) return Promise.reject(refused);
    const outcome = this.queue.add(call);
    this.attend();
    return outcome;
  }

  private refusalOf(): EdgeError | undefined {
    if (this.instances.size === 0 && this.isHeldBack()) return this.heldBack?.error;
    const { maxQueue } = this.around.spec;
    const room = maxQueue + this.loading.size + this.startable();
    if (this.queue.length < room) return undefined;
    return new EdgeError('QUEUE_FULL', undefined, { details: { maxQueue } });
  }

  /** Lets every call that was accepted finish, then ends the instances. */
  async drain(): Promise<void> {
    if (this.phase !== 'open') return;
    this.phase = 'draining';
    this.timers.cancel('restart');
    this.timers.cancel('retire');
    await new Promise<void>((resolve) => {
      this.drained = resolve;
      this.endWhenDrained();
    });
    await Promise.all(this.ending);
  }

  /** Ends every instance at once; calls fail with `reason`. */
  async close(reason: EdgeError): Promise<void> {
    this.phase = 'closed';
    this.timers.cancelAll();
    this.queue.rejectAll(reason);
    for (const instance of [...this.instances]) this.end(instance, reason);
    this.drained();
    await Promise.all(this.ending);
  }

  private startable(): number {
    return Math.max(0, this.around.spec.maxInstances - this.instances.size);
  }

  /** A module that just failed to load is not tried again at once: calls get the same error. */
  private isHeldBack(): boolean {
    return this.heldBack !== undefined && this.heldBack.until > this.around.clock.now();
  }

  private limitOf(call: FunctionCall, waitedMs: number): number {
    const { timeoutMs } = this.around.spec;
    return call.timeoutMs === undefined
      ? timeoutMs
      : Math.max(1, Math.min(timeoutMs, call.timeoutMs - waitedMs));
  }

  /** Sees to it that the calls in the queue will get an instance. */
  private attend(): void {
    if (this.queue.length === 0 || this.phase === 'closed') return;
    if (this.instances.size === 0) void this.launch().catch(() => undefined);
    else if (this.startable() > 0 && !this.timers.has('scale')) {
      this.timers.set('scale', SCALE_OUT_MS, () => this.scaleOut());
    }
  }

  private scaleOut(): void {
    const waited = this.around.clock.now() - (this.queue.oldestSince ?? Infinity);
    const isShort = this.queue.length > this.loading.size && waited >= SCALE_OUT_MS;
    if (isShort && this.startable() > 0 && !this.isHeldBack()) void this.launch().catch(() => undefined);
    this.attend();
  }

  /** For the budget: one that is idle may be ended, unless it is the one that a pinned function keeps. */
  running(): RetirableInstance[] {
    const { key, spec } = this.around;
    const retirable = new Set(this.idle.slice(0, Math.max(0, this.instances.size - this.kept())));
    return [...this.instances].map((instance) => ({
      key,
      memoryMiB: spec.memoryMiB,
      ...(retirable.has(instance) && { idleSince: instance.idleSince }),
      retire: () => this.end(instance, new EdgeError('CLOSED', 'idle, and others need its memory')),
    }));
  }

  private launch(): Promise<void> {
    const { budget, spec } = this.around;
    if (this.instances.size === 0) return this.placing ?? this.launchFirst();
    return budget.hasRoom(spec.memoryMiB) ? this.load() : Promise.resolve();
  }

  private launchFirst(): Promise<void> {
    const { budget, spec } = this.around;
    let hasRoom = false as boolean;
    const loaded = budget.place(spec.memoryMiB, () => {
      hasRoom = true;
      this.placing = undefined;
      return this.phase === 'closed' ? Promise.reject(new EdgeError('CLOSED')) : this.load();
    });
    if (hasRoom) return loaded;
    this.placing = loaded.catch((error: unknown) => {
      if (!hasRoom) {
        this.placing = undefined;
        this.loadFailed(EdgeError.from(error));
      }
      throw error;
    });
    return this.placing;
  }

  private async load(): Promise<void> {
    const { spec, memory, clock, api, onLine } = this.around;
    const instance = new Instance({
      spec,
      memory,
      clock,
      api,
      onLine,
      process: this.takeProcess(),
      onFree: (freed) => this.free(freed),
      onDead: (dead, reason) => this.bury(dead, reason),
    });
    this.instances.add(instance);
    this.loading.add(instance);
    try {
      await instance.load();
      this.loadFailures = 0;
      this.heldBack = undefined;
    } catch (thrown) {
      const error = EdgeError.from(thrown);
      this.loadFailed(error);
      throw error;
    }
  }

  private loadFailed(error: EdgeError): void {
    this.loadFailures += 1;
    this.heldBack = { error, until: this.around.clock.now() + pauseAfter(this.loadFailures) };
    if (this.instances.size === 0) this.queue.rejectAll(error);
    this.scheduleRestart();
    this.endWhenDrained();
  }

  private takeProcess(): FunctionProcess {
    try {
      return this.around.takeProcess();
    } catch (cause) {
      throw new EdgeError('INTERNAL', 'cannot start a process for the function', { cause });
    }
  }

  /** The instance has loaded, or has answered a call. */
  private free(instance: Instance): void {
    if (!this.loading.delete(instance)) this.crashes = 0;
    const next = this.queue.take();
    if (next !== undefined) {
      const waited = this.around.clock.now() - next.since;
      next.resolve(instance.call(next.call, this.limitOf(next.call, waited)));
      return;
    }
    instance.idleSince = this.around.clock.now();
    this.idle.push(instance);
    this.scheduleRetirement();
    this.endWhenDrained();
    this.around.budget.settle();
  }

  private bury(instance: Instance, reason: EdgeError): void {
    const wasWanted = this.instances.delete(instance);
    const wasLoading = this.loading.delete(instance);
    const at = this.idle.indexOf(instance);
    if (at >= 0) this.idle.splice(at, 1);
    if (!wasWanted) return;
    const isOld = this.around.clock.now() - instance.startedAt > STABLE_MS;
    this.crashes = isOld ? 1 : this.crashes + 1;
    this.around.onCrash(reason);
    this.around.budget.settle();
    if (wasLoading) return; // loadFailed goes on from here.
    this.attend();
    this.scheduleRestart();
    this.endWhenDrained();
  }

  private scheduleRestart(): void {
    const { pinned } = this.around.spec;
    if (!pinned || this.phase !== 'open' || this.instances.size > 0) return;
    this.timers.set('restart', pauseAfter(this.crashes), () => {
      if (this.instances.size === 0) this.launch().catch(() => undefined);
    });
  }

  private scheduleRetirement(): void {
    if (this.timers.has('retire') || this.phase !== 'open' || this.idle.length <= this.kept()) return;
    const oldest = this.idle[0]?.idleSince ?? 0;
    const due = oldest + this.around.spec.idleMs - this.around.clock.now();
    this.timers.set('retire', Math.max(1, due), () => this.retire());
  }

  private retire(): void {
    const due = this.around.clock.now() - this.around.spec.idleMs;
    while (this.idle.length > 0 && this.instances.size > this.kept()) {
      const oldest = this.idle[0];
      if (oldest === undefined || oldest.idleSince > due) break;
      this.end(oldest, new EdgeError('CLOSED', 'idle'));
    }
    this.scheduleRetirement();
  }

  private kept(): number {
    return this.around.spec.pinned ? 1 : 0;
  }

  private endWhenDrained(): void {
    if (this.phase !== 'draining' || this.queue.length > 0) return;
    if ([...this.instances].some((instance) => instance.isBusy)) return;
    this.phase = 'closed';
    const reason = new EdgeError('CLOSED', 'the function was stopped');
    for (const instance of [...this.instances]) this.end(instance, reason);
    this.around.budget.settle();
    this.drained();
  }

  private end(instance: Instance, reason: EdgeError): void {
    this.instances.delete(instance);
    const gone = instance.end(reason).finally(() => this.ending.delete(gone));
    this.ending.add(gone);
  }
}
