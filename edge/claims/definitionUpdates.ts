import type { Logger } from 'pino';
import { EdgeError, functionKey, type Failure, type GroupDefinition } from '../../protocol';
import type { Upstream } from '../ports';
import type { Clock } from '../../lib/clock';
import type { OutboxEntry } from '../definition/stores';
import { isSeen, type Outbox, type OutboxDraft } from './outbox';
import { coreUpdate, packEntries } from './packing';

/**
 * Sends claims, joins and failures up as definition updates: numbered and stored first, gathered for a
 * few milliseconds, sent again under the same request id until the cloud accepts or refuses them, a
 * definition shows them, or the one who asked has waited long enough.
 */
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

export const DEFAULT_UPDATE_TIMING: UpdateTiming = {
  gatherMs: 3,
  resendMs: 2_000,
  maxResendMs: 60_000,
  unreachableMs: 5_000,
  answerMs: 30_000,
};

export interface DefinitionUpdatesDeps {
  group: string;
  outbox: Outbox;
  upstream: Upstream;
  clock: Clock;
  log: Logger;
  definition(): GroupDefinition;
  newRequestId(): string;
  timing?: Partial<UpdateTiming>;
}

/** Copies were sent and none was answered: the cloud may have the entry all the same, or get it yet. */
export class Unanswered extends EdgeError {}

interface Item {
  entry: OutboxEntry;
  sent?: boolean;
  /** Nobody waits for it: it is sent again until there is an answer, however long that takes. */
  patient: boolean;
  settled: boolean;
  resolve(): void;
  reject(error: EdgeError): void;
}

interface Update {
  requestId: string;
  items: Item[];
  /** Further entries that ride along; their own update has the items. */
  along: OutboxEntry[];
  since: number;
  offlineSince?: number;
  resendMs: number;
  timer?: { cancel(): void };
}

export class DefinitionUpdates {
  private readonly timing: UpdateTiming;
  private readonly inFlight = new Map<string, Update>();
  private gathered: Item[] = [];
  private gathering: { cancel(): void } | undefined;
  private closed = false;

  constructor(private readonly deps: DefinitionUpdatesDeps) {
    this.timing = { ...DEFAULT_UPDATE_TIMING, ...deps.timing };
    deps.upstream.on('accepted', ({ requestId }) => this.accepted(requestId));
    deps.upstream.on('refused', ({ requestId, error }) => this.refused(requestId, EdgeError.fromJSON(error)));
    deps.upstream.on('connected', () => {
      for (const update of [...this.inFlight.values()]) this.attempt(update);
    });
  }

  /** Sends what an earlier run of the core promised and never saw in a definition. */
  resume(): void {
    const underWay = new Set([...this.gathered, ...this.itemsInFlight()].map(({ entry }) => entry));
    for (const entry of this.deps.outbox.entries()) {
      if (underWay.has(entry) || isSeen(entry, this.deps.definition())) continue;
      this.enqueue(entry, true).catch((err: unknown) =>
        this.deps.log.warn({ err, ...subjectOf(entry) }, 'an update of an earlier run was not accepted'),
      );
    }
  }

  /**
   * Resolves when the cloud has accepted the entry or a definition shows it. Rejects with the
   * cloud's refusal, CLOUD_UNREACHABLE or DEPLOYMENT_TIMED_OUT (as `Unanswered` when it was sent); the
   * entry is dropped then.
   * A `patient` entry never gives up and its promise rejects on a refusal only.
   */
  submit(draft: OutboxDraft, options: { patient?: boolean } = {}): Promise<void> {
    if (this.closed) return Promise.reject(new EdgeError('CLOSED'));
    const entry = this.deps.outbox.add(draft, this.deps.definition());
    return this.enqueue(entry, options.patient ?? false);
  }

  /** Like a patient `submit` whose refusal concerns nobody but the log. */
  submitInBackground(draft: OutboxDraft): void {
    this.submit(draft, { patient: true }).catch((err: unknown) =>
      this.deps.log.warn({ err, ...subjectOf(draft) }, 'an update was not accepted'),
    );
  }

  /** Tells the cloud of a version that does not start, unless that is on its way already. */
  reportFailure(failure: Failure): void {
    const { claims, static: fixed } = failure.upTo;
    const known = this.deps.outbox.failureOf(failure.function, failure.version);
    if (known !== undefined && known.upTo.claims >= claims && known.upTo.static >= fixed) return;
    this.submitInBackground({ type: 'failure', ...failure });
  }

  /** The version that the device's claim names, counting what is still on its way. */
  heldVersion(device: string, functionName: string): string | undefined {
    return this.deps.outbox.heldVersion(this.deps.definition(), device, functionName);
  }

  claiming(device: string, functionName: string): boolean {
    return this.deps.outbox.claiming(device, functionName);
  }

  claimedVersion(device: string, functionName: string): string | undefined {
    return this.deps.outbox.claimedVersion(this.deps.definition(), device, functionName);
  }

  /** Keys of the functions that devices claim and that no definition shows yet. */
  promised(): Set<string> {
    const claims = this.deps.outbox.entries().filter((entry) => entry.type === 'claim');
    const live = claims.filter((entry) => entry.released === undefined);
    return new Set(live.map((entry) => functionKey(entry.function, entry.version)));
  }

  joining(device: string): boolean {
    return this.deps.outbox.joining(device);
  }

  /** A new definition is in force: what it shows needs no further copy. */
  applied(definition: GroupDefinition): void {
    const seen = this.deps.outbox.entries().filter((entry) => isSeen(entry, definition));
    for (const entry of seen) this.deps.outbox.remove(entry);
    if (seen.length > 0) this.saveInBackground();
    for (const update of [...this.inFlight.values()]) {
      for (const item of update.items) if (isSeen(item.entry, definition)) settle(item);
      this.tidy(update);
    }
  }

  close(): void {
    this.closed = true;
    this.gathering?.cancel();
    const items = [...this.gathered, ...this.itemsInFlight()];
    for (const update of this.inFlight.values()) update.timer?.cancel();
    this.inFlight.clear();
    for (const item of items) settle(item, new EdgeError('CLOSED', 'the edge core is stopping'));
  }

  private itemsInFlight(): Item[] {
    return [...this.inFlight.values()].flatMap((update) => update.items);
  }

  private enqueue(entry: OutboxEntry, patient: boolean): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.gathered.push({ entry, patient, settled: false, resolve, reject });
      this.gathering ??= this.deps.clock.setTimeout(() => void this.flush(), this.timing.gatherMs);
    });
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
    const devices = new Set(items.flatMap(({ entry }) => deviceOf(entry) ?? []));
    const nobody = { patient: true, settled: false, resolve: () => undefined, reject: () => undefined };
    return this.deps.outbox
      .entries()
      .filter((entry) => entry.type === 'join' && devices.has(entry.device) && !here.has(entry.device))
      .map((entry) => ({ ...nobody, entry }));
  }

  private begin(items: Item[], along: OutboxEntry[] = []): void {
    if (this.closed) return;
    const { newRequestId, clock } = this.deps;
    const { resendMs } = this.timing;
    const update: Update = { requestId: newRequestId(), items, along, since: clock.now(), resendMs };
    this.inFlight.set(update.requestId, update);
    this.attempt(update);
  }

  private attempt(update: Update): void {
    const { upstream, clock, log, group } = this.deps;
    update.timer?.cancel();
    let pause = Math.min(this.timing.resendMs, 1_000);
    if (upstream.connected) {
      delete update.offlineSince;
      const entries = [...update.along, ...update.items.map((item) => item.entry)];
      for (const item of update.items) item.sent = true;
      upstream
        .sendUpdate(coreUpdate(update.requestId, group, entries))
        .catch((err: unknown) => log.debug({ err, requestId: update.requestId }, 'update not sent'));
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
    if (update.items.length > 1) return this.split(update);
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
    if (this.deps.outbox.remove(item.entry)) this.saveInBackground();
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

  private saveInBackground(): void {
    this.deps.outbox
      .save()
      .catch((err: unknown) => this.deps.log.error({ err }, 'the outbox cannot be written'));
  }
}

function deviceOf(entry: OutboxEntry | OutboxDraft): string | undefined {
  return entry.type === 'failure' ? undefined : entry.device;
}

/** For the log. */
function subjectOf(entry: OutboxEntry | OutboxDraft): object {
  return entry.type === 'failure'
    ? { function: entry.function, version: entry.version }
    : { device: entry.device };
}

function settle(item: Item, error?: EdgeError): void {
  if (item.settled) return;
  item.settled = true;
  if (error === undefined) item.resolve();
  else item.reject(error);
}
