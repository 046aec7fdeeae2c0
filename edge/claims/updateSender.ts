import type { Logger } from 'pino';
import { EdgeError, type GroupDefinition } from '../../protocol';
import type { Clock, Timer } from '../../lib/clock';
import type { Upstream } from '../ports';
import { updatesSeam } from '../seams';
import { isSeen, type Outbox, type OutboxEntry } from './outbox';
import { coreUpdate, packEntries } from './packing';

export interface UpdateTiming {
  /** Claims of this span travel together. */
  gatherMs: number;
  resendMs: number;
  /** The longest pause between two copies of an update that nobody waits for. */
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
  newRequestId: () => string;
  timing?: Partial<UpdateTiming>;
}

/** Copies were sent and none was answered: the cloud may have the entry all the same, or get it yet. */
export class Unanswered extends EdgeError {}

/** One entry that is being sent, and whoever waits for what becomes of it. */
interface Item {
  entry: OutboxEntry;
  sent?: boolean;
  /** Nobody waits for it: it is sent again until there is an answer, however long that takes. */
  patient: boolean;
  settled: boolean;
  resolve: () => void;
  reject: (error: EdgeError) => void;
}

interface Update {
  requestId: string;
  items: Item[];
  /** Further entries that ride along; their own update has the items. */
  along: OutboxEntry[];
  since: number;
  offlineSince?: number;
  resendMs: number;
  timer?: Timer;
}

/**
 * Sends entries of the outbox up as definition updates: stored first, gathered for a few milliseconds, sent
 * again under the same request id until the cloud accepts or refuses them, a definition shows them, or the
 * one who asked has waited long enough.
 */
export class UpdateSender {
  private readonly timing: UpdateTiming;
  private readonly inFlight = new Map<string, Update>();
  private gathered: Item[] = [];
  private gathering: Timer | undefined;
  private closed = false;

  constructor(private readonly deps: UpdateSenderDeps) {
    this.timing = { ...DEFAULT_TIMING, ...deps.timing };
    deps.upstream.on('accepted', ({ requestId }) => this.accepted(requestId));
    deps.upstream.on('refused', ({ requestId, error }) => this.refused(requestId, EdgeError.fromJSON(error)));
    deps.upstream.on('connected', () => {
      for (const update of [...this.inFlight.values()]) this.attempt(update);
    });
  }

  /**
   * Resolves when the cloud has accepted the entry or a definition shows it. Rejects with the cloud's refusal,
   * CLOUD_UNREACHABLE or DEPLOYMENT_TIMED_OUT (as `Unanswered` when it was sent); the entry is removed from
   * the outbox then. A `patient` entry never gives up and its promise rejects on a refusal only.
   */
  send(entry: OutboxEntry, { patient }: { patient: boolean }): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.gathered.push({ entry, patient, settled: false, resolve, reject });
      this.gathering ??= this.deps.clock.setTimeout(() => void this.flush(), this.timing.gatherMs);
    });
  }

  isSending(entry: OutboxEntry): boolean {
    return this.items().some((item) => item.entry === entry);
  }

  /** A new definition is in force. */
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
    const items = this.gathered;
    this.gathered = [];
    try {
      await this.deps.outbox.save();
    } catch (err) {
      this.deps.log.error({ err }, 'the outbox cannot be written');
      for (const item of items) this.giveUp(item, new EdgeError('INTERNAL', 'the edge cannot store a claim'));
      return;
    }
    items.push(...this.joinsFor(items));
    for (const batch of packEntries(items, this.deps.group)) this.begin(batch);
  }

  /** Until a definition shows a device, each update with a claim of it carries its join as well. */
  private joinsFor(items: readonly Item[]): Item[] {
    const here = new Set<string>();
    for (const { entry } of items) if (entry.type === 'join') here.add(entry.device);
    const devices = new Set(items.flatMap(({ entry }) => (entry.type === 'failure' ? [] : [entry.device])));
    const nobody = { patient: true, settled: false, resolve: () => undefined, reject: () => undefined };
    return this.deps.outbox
      .entries()
      .filter((entry) => entry.type === 'join' && devices.has(entry.device) && !here.has(entry.device))
      .map((entry) => ({ ...nobody, entry }));
  }

  private begin(items: Item[], along: OutboxEntry[] = []): void {
    if (this.closed) return;
    const requestId = this.deps.newRequestId();
    const since = this.deps.clock.now();
    const update: Update = { requestId, items, along, since, resendMs: this.timing.resendMs };
    this.inFlight.set(requestId, update);
    this.attempt(update);
  }

  private attempt(update: Update): void {
    const { upstream, clock } = this.deps;
    update.timer?.cancel();
    let pause = Math.min(this.timing.resendMs, 1_000);
    if (upstream.connected) {
      delete update.offlineSince;
      this.sendCopy(update);
      pause = update.resendMs;
      if (update.items.every((item) => item.patient)) {
        update.resendMs = Math.min(update.resendMs * 2, this.timing.maxResendMs);
      }
    } else {
      update.offlineSince ??= clock.now();
      // The pause after a long outage may be longer than the one who asked waits.
      if (update.items.some((item) => !item.patient)) upstream.hurry?.();
    }
    update.timer = clock.setTimeout(() => this.again(update), pause);
  }

  private sendCopy({ requestId, along, items }: Update): void {
    const { upstream, group, log } = this.deps;
    for (const item of items) item.sent = true;
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
      if (item.patient || !(offline || late)) continue;
      const Reason = item.sent ? Unanswered : EdgeError;
      this.giveUp(
        item,
        offline
          ? new Reason('CLOUD_UNREACHABLE')
          : new Reason('DEPLOYMENT_TIMED_OUT', 'the cloud did not answer the definition update in time'),
      );
    }
    if (this.tidy(update)) this.attempt(update);
  }

  private accepted(requestId: string): void {
    const update = this.inFlight.get(requestId);
    if (update === undefined) return;
    // The entries stay in the outbox until a definition shows them.
    for (const item of update.items) settle(item);
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
      if (!(item.patient && error.retryable)) this.giveUp(item, error);
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

  private giveUp(item: Item, error: EdgeError): void {
    if (item.settled) return;
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

function settle(item: Item, error?: EdgeError): void {
  if (item.settled) return;
  item.settled = true;
  if (error === undefined) item.resolve();
  else item.reject(error);
}
