import type { Logger } from 'pino';
import { EdgeError, type GroupDefinition } from '../../protocol';
import { backoffMs, type Backoff } from '../../lib/backoff';
import type { Clock, Timer } from '../../lib/clock';
import type { Upstream } from '../ports';
import { updatesSeam } from '../seams';
import type { Outbox } from './outbox';
import { isSeen, type OutboxEntry } from './outboxEntry';
import { coreUpdate, packEntries } from './packing';

export interface UpdateTiming {
  /** Claims of this span travel together. */
  gatherMs: number;
  /** The pause before the second copy of an update. */
  resendMs: number;
  /** The longest pause between two copies. */
  maxResendMs: number;
  /** How long a disconnected core waits for its connection before it says so. */
  unreachableMs: number;
  /** How long the cloud may take to accept. */
  answerMs: number;
}

const DEFAULT_TIMING: UpdateTiming = {
  gatherMs: 3,
  resendMs: 2_000,
  maxResendMs: 60_000,
  unreachableMs: 5_000,
  answerMs: 30_000,
};

export interface UpdateSenderDeps {
  group: string;
  outbox: Outbox;
  upstream: Upstream;
  clock: Clock;
  log: Logger;
  /** 0 ≤ n < 1; spreads the copies of many cores. */
  random: () => number;
  newRequestId: () => string;
  /** The cloud has stored entries; `saved` resolves when the disk knows. */
  onAccepted: (saved: Promise<void>) => void;
  timing?: Partial<UpdateTiming>;
}

/** Copies were sent, and the cloud may have one of them, or get it yet, whatever it said to another. */
export class Unanswered extends EdgeError {}

/** What becomes of an entry that is sent. */
export interface Sending {
  /** Resolves when it is on the disk. Rejects with INTERNAL when it cannot be, and as `accepted` does. */
  stored: Promise<void>;
  /**
   * Resolves when the cloud has stored it or a definition shows it. Rejects with the cloud's refusal,
   * CLOUD_UNREACHABLE or DEPLOYMENT_TIMED_OUT. An entry that never left the core is forgotten then; one that
   * did is `Unanswered`, and goes on being sent until there is an answer or a later entry takes its place.
   */
  accepted: Promise<void>;
  /** Somebody relies on it: it is sent until there is an answer, however long that takes. */
  insist: () => void;
}

/** One entry that is being sent, and whoever waits for what becomes of it. */
interface Item {
  entry: OutboxEntry;
  copies: number;
  /** Nobody waits for it: it is sent again until there is an answer, however long that takes. */
  patient: boolean;
  settled: boolean;
  stored: Deferred;
  accepted: Deferred;
}

interface Update {
  requestId: string;
  items: Item[];
  /** Further entries that ride along; their own update has the items. */
  along: OutboxEntry[];
  since: number;
  offlineSince?: number;
  copies: number;
  timer?: Timer;
}

/**
 * Sends entries of the outbox up as definition updates: stored first, gathered for a few milliseconds, sent
 * again under the same request id until the cloud accepts or refuses them or a definition shows them. What may
 * have reached the cloud is never forgotten: only a later entry, with a higher number, ends it.
 */
export class UpdateSender {
  private readonly timing: UpdateTiming;
  private readonly backoff: Backoff;
  private readonly inFlight = new Map<string, Update>();
  private gathered: Item[] = [];
  private unsaved: Item[] = [];
  private saving: Promise<void> | undefined;
  private gathering: Timer | undefined;
  private closed = false;

  constructor(private readonly deps: UpdateSenderDeps) {
    this.timing = { ...DEFAULT_TIMING, ...deps.timing };
    this.backoff = { first: this.timing.resendMs, most: this.timing.maxResendMs, jitter: 0.2 };
    deps.upstream.on('accepted', ({ requestId }) => this.accepted(requestId));
    deps.upstream.on('refused', ({ requestId, error }) => this.refused(requestId, EdgeError.fromJSON(error)));
    deps.upstream.on('connected', () => {
      for (const update of [...this.inFlight.values()]) this.attempt(update);
    });
  }

  /** A `patient` entry is insisted on from the beginning: it is given up on a refusal only. */
  send(entry: OutboxEntry, { patient }: { patient: boolean }): Sending {
    const item = newItem(entry, patient);
    this.enqueue(item);
    const { stored, accepted } = item;
    return { stored: stored.promise, accepted: accepted.promise, insist: () => (item.patient = true) };
  }

  isSending(entry: OutboxEntry): boolean {
    return this.items().some((item) => item.entry === entry);
  }

  /** A new definition has come from the cloud. */
  applied(definition: GroupDefinition): void {
    for (const update of [...this.inFlight.values()]) {
      for (const item of update.items) if (isSeen(item.entry, definition)) settle(item);
      this.tidy(update);
    }
  }

  close(): void {
    this.closed = true;
    this.gathering?.cancel();
    const items = this.items();
    for (const update of this.inFlight.values()) update.timer?.cancel();
    this.inFlight.clear();
    for (const item of items) settle(item, new EdgeError('CLOSED', 'the edge core is stopping'));
  }

  private items(): Item[] {
    return [...this.gathered, ...[...this.inFlight.values()].flatMap((update) => update.items)];
  }

  private async flush(): Promise<void> {
    this.gathering = undefined;
    while (this.saving !== undefined) await this.saving;
    const items = this.gathered.filter((item) => !item.settled);
    this.gathered = [];
    items.push(...this.joinsFor(items));
    for (const batch of packEntries(items, this.deps.group)) this.begin(batch);
  }

  /**
   * One write at a time has all entries that came before it. What cannot be stored is not sent: after a crash
   * nobody would know of it. Who waits is told; what nobody waits for is tried again.
   */
  private async saveAll(): Promise<void> {
    for (let items = this.unsaved; items.length > 0; items = this.unsaved) {
      this.unsaved = [];
      try {
        await this.deps.outbox.save();
        for (const { stored } of items) stored.resolve();
      } catch (err) {
        this.deps.log.error({ err }, 'the outbox cannot be written');
        for (const item of items) this.notSaved(item);
      }
    }
    this.saving = undefined;
  }

  private notSaved(item: Item): void {
    this.gathered = this.gathered.filter((other) => other !== item);
    if (!item.patient) {
      this.forget(item, new EdgeError('INTERNAL', 'the edge cannot store a claim'));
      return;
    }
    this.deps.clock.setTimeout(() => {
      if (!this.closed && this.deps.outbox.isPending(item.entry)) this.enqueue(item);
    }, this.timing.resendMs);
  }

  private enqueue(item: Item): void {
    this.gathered.push(item);
    this.unsaved.push(item);
    this.saving ??= this.saveAll();
    this.gathering ??= this.deps.clock.setTimeout(() => void this.flush(), this.timing.gatherMs);
  }

  /** Until a definition shows a device, each update with a claim of it carries its join as well. */
  private joinsFor(items: readonly Item[]): Item[] {
    const here = new Set<string>();
    for (const { entry } of items) if (entry.type === 'join') here.add(entry.device);
    const devices = new Set(items.flatMap(({ entry }) => (entry.type === 'failure' ? [] : [entry.device])));
    return this.deps.outbox
      .entries()
      .filter((entry) => entry.type === 'join' && devices.has(entry.device) && !here.has(entry.device))
      .map((entry) => newItem(entry, true));
  }

  private begin(items: Item[], along: OutboxEntry[] = []): void {
    if (this.closed) return;
    const requestId = this.deps.newRequestId();
    const update: Update = { requestId, items, along, since: this.deps.clock.now(), copies: 0 };
    this.inFlight.set(requestId, update);
    this.attempt(update);
  }

  private attempt(update: Update): void {
    const { upstream, clock, random } = this.deps;
    update.timer?.cancel();
    let pause = Math.min(this.timing.resendMs, 1_000);
    if (upstream.connected) {
      delete update.offlineSince;
      this.sendCopy(update);
      pause = backoffMs(update.copies, this.backoff, random);
      update.copies += 1;
    } else {
      update.offlineSince ??= clock.now();
      // The pause after a long outage may be longer than the one who asked waits.
      if (update.items.some((item) => !item.patient)) upstream.hurry?.();
    }
    update.timer = clock.setTimeout(() => this.again(update), Math.min(pause, this.untilLate(update)));
  }

  /** Milliseconds until somebody who waits is told that the cloud does not answer. */
  private untilLate({ items, since }: Update): number {
    if (items.every((item) => item.patient)) return Infinity;
    return Math.max(1, since + this.timing.answerMs - this.deps.clock.now());
  }

  private sendCopy({ requestId, along, items }: Update): void {
    const { upstream, group, log } = this.deps;
    for (const item of items) {
      item.copies += 1;
      this.deps.outbox.sent(item.entry);
    }
    const update = coreUpdate(requestId, group, [...along, ...items.map((item) => item.entry)]);
    updatesSeam
      .tracePromise(() => upstream.sendUpdate(update), { update })
      .catch((err: unknown) => log.debug({ err, requestId }, 'update not sent'));
  }

  private again(update: Update): void {
    const now = this.deps.clock.now();
    const offline =
      update.offlineSince !== undefined && now - update.offlineSince >= this.timing.unreachableMs;
    const late = now - update.since >= this.timing.answerMs;
    for (const item of update.items) {
      if (item.patient) {
        if (!this.deps.outbox.isPending(item.entry)) settle(item);
      } else if (offline || late) {
        this.tellUnanswered(item, offline);
      }
    }
    if (this.tidy(update)) this.attempt(update);
  }

  private tellUnanswered(item: Item, offline: boolean): void {
    const Reason = item.copies > 0 ? Unanswered : EdgeError;
    const error = offline
      ? new Reason('CLOUD_UNREACHABLE')
      : new Reason('DEPLOYMENT_TIMED_OUT', 'the cloud did not answer the definition update in time');
    if (item.copies === 0) {
      this.forget(item, error);
      return;
    }
    item.patient = true;
    reject(item, error);
  }

  private accepted(requestId: string): void {
    const update = this.inFlight.get(requestId);
    if (update === undefined) return;
    const entries = [...update.along, ...update.items.map(({ entry }) => entry)];
    const saved = this.deps.outbox.accept(entries);
    for (const item of update.items) settle(item);
    // Who waits hears that it is stored before anything comes of it.
    queueMicrotask(() => this.deps.onAccepted(saved));
    this.tidy(update);
  }

  private refused(requestId: string | undefined, error: EdgeError): void {
    const update = requestId === undefined ? undefined : this.inFlight.get(requestId);
    if (update === undefined) {
      this.deps.log.warn({ requestId, err: error }, 'the cloud refused an update that nobody waits for');
      return;
    }
    if (update.items.length > 1) {
      this.split(update);
      return;
    }
    for (const item of update.items) {
      // A refusal that may pass is worth another copy where nobody waits for the answer.
      if (item.patient && error.retryable) continue;
      // An earlier copy may have been accepted all the same.
      this.forget(item, item.copies > 1 ? new Unanswered(error.code, error.message, error) : error);
    }
    this.tidy(update);
  }

  /** The refusal concerns one of several: alone, each gets its own answer. */
  private split(update: Update): void {
    update.timer?.cancel();
    this.inFlight.delete(update.requestId);
    const joins = update.items.flatMap(({ entry }) => (entry.type === 'join' ? [entry] : []));
    for (const item of update.items) {
      const { entry } = item;
      const own = entry.type === 'claim' ? joins.filter(({ device }) => device === entry.device) : [];
      this.begin([item], own);
    }
  }

  private forget(item: Item, error: EdgeError): void {
    this.deps.outbox.remove(item.entry);
    settle(item, error);
  }

  /** Forgets settled items. False when nothing is left of the update. */
  private tidy(update: Update): boolean {
    update.items = update.items.filter((item) => !item.settled);
    if (update.items.length > 0) return true;
    update.timer?.cancel();
    this.inFlight.delete(update.requestId);
    return false;
  }
}

/** A promise of which somebody else decides. */
interface Deferred {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: EdgeError) => void;
}

function deferred(): Deferred {
  const parts = {} as Deferred;
  parts.promise = new Promise<void>((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

function newItem(entry: OutboxEntry, patient: boolean): Item {
  const item: Item = {
    ...{ entry, copies: 0, patient, settled: false },
    ...{ stored: deferred(), accepted: deferred() },
  };
  // Not everybody who sends an entry asks for both.
  for (const { promise } of [item.stored, item.accepted]) promise.catch(() => undefined);
  return item;
}

function settle(item: Item, error?: EdgeError): void {
  if (item.settled) return;
  item.settled = true;
  if (error !== undefined) {
    reject(item, error);
    return;
  }
  item.stored.resolve();
  item.accepted.resolve();
}

function reject(item: Item, error: EdgeError): void {
  item.stored.reject(error);
  item.accepted.reject(error);
}
