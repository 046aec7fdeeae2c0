import type { Logger } from 'pino';
import {
  EdgeError,
  emptyDefinition,
  wantedFunctions,
  type EdgeStatusMessage,
  type VersionFailure,
  type GroupDefinition,
  type WantedFunction,
} from '../../protocol';
import { backoffMs } from '../../lib/backoff';
import type { Clock, Timer } from '../../lib/clock';
import type { Cloud, Devices, LocalFunction, LocalFunctions, Upstream } from '../ports';
import type { Store } from '../store';
import type { StoredDefinition } from './definitionStore';
import { RunHistory } from './runHistory';
import type { StatusReporter } from './statusReporter';

/**
 * The edge system function `edgeCoreMonitor`: long-lived, keeps the local copy of the group
 * definition and brings what runs here to it. Serves with the stored copy at once, also without the
 * cloud; fetches on connection, on each notice and now and then; never goes back in revisions.
 */
export interface EdgeCoreMonitorDeps {
  core: string;
  group: string;
  cloud: Pick<Cloud, 'definition'>;
  upstream: Upstream;
  local: LocalFunctions;
  devices: Devices;
  store: Store<StoredDefinition>;
  status: StatusReporter;
  clock: Clock;
  log: Logger;
  /** 0 ≤ n < 1; spreads the polls of many cores. */
  random: () => number;
  /** A definition of the cloud with what the cloud has stored of this edge and not shown in it yet. */
  over: (definition: GroupDefinition) => GroupDefinition;
  /** Keys of the functions that devices claim and that no definition shows yet. */
  promised: () => ReadonlySet<string>;
  /** A version that has never run here does not start: once per version and revision. */
  onFailed: (failure: VersionFailure) => void;
  /** A definition is in force. */
  onApplied: (definition: GroupDefinition) => void;
  /** The newest definition of the cloud is stored. */
  onStored: (fetched: GroupDefinition) => void;
  /** Every step towards it is done or has failed, and no newer one has come. */
  onReconciled: (definition: GroupDefinition) => void;
}

const POLL_MS = 60_000;
const RETRY = { first: 500, most: POLL_MS };

export class EdgeCoreMonitor {
  /** The newest of the cloud. */
  fetched: GroupDefinition;
  /** In force: a fetched one and, above it, what the cloud has stored since. */
  private current: GroupDefinition;
  /** Definitions are put into force in the order in which they were made; these count them. */
  private made = 0;
  private inForce = 0;
  private etag: string | undefined;
  /** The newest definition whose reconciliation has begun. */
  private target: GroupDefinition;
  private readonly history: RunHistory;
  /** The newest revision that was brought to run here. */
  private reconciled = 0;
  private fetching: Promise<void> | undefined;
  private fetchAgain = false;
  private failures = 0;
  private timer: Timer | undefined;
  private closed = false;
  /** The last revision that could not be delivered, and why. */
  private undelivered: { revision: number; error: EdgeError } | undefined;

  constructor(private readonly deps: EdgeCoreMonitorDeps) {
    this.fetched = emptyDefinition(deps.group);
    this.current = this.fetched;
    this.target = this.fetched;
    this.history = new RunHistory(deps.local);
    deps.upstream.on('connected', () => void this.refresh());
    deps.upstream.on('revision', ({ group, revision, error }) => {
      if (group !== deps.group) return;
      if (error !== undefined) this.undelivered = { revision, error: EdgeError.fromJSON(error) };
      else if (revision === this.undelivered?.revision) this.undelivered = undefined;
      // A hint: the retained notice of a revision that is in force already needs no fetch.
      if (revision > this.current.revision) void this.refresh();
      else this.noteUndelivered();
    });
    deps.local.on('changed', (changed) => {
      deps.status.changed();
      this.noteOutcome(changed);
    });
  }

  /** In force. */
  get definition(): GroupDefinition {
    return this.current;
  }

  /**
   * Loads the stored definition and serves with it, or else asks the cloud once; resolves before its
   * functions run.
   */
  async start(): Promise<void> {
    const stored = await this.load();
    this.announce('starting');
    if (stored !== undefined) {
      this.etag = stored.etag;
      this.history.restore(stored);
      this.fetched = stored.definition;
      await this.apply(Promise.resolve());
      this.schedule(POLL_MS);
    } else {
      // Devices that came before it would be told that nothing is here, and claims would be numbered anew.
      await this.refresh();
    }
  }

  /** The cloud has stored what devices of this edge want; it is in force when the disk knows, too. */
  claimsStored(saved: Promise<void>): void {
    if (!this.closed) void this.apply(saved);
  }

  /** Fetches the definition; calls during a fetch share one further fetch after it. */
  refresh(): Promise<void> {
    if (this.closed) return Promise.resolve();
    if (this.fetching !== undefined) {
      this.fetchAgain = true;
      return this.fetching;
    }
    this.fetching = this.fetchAll().finally(() => (this.fetching = undefined));
    return this.fetching;
  }

  /** Tells devices and the cloud that this core stops. */
  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    this.announce('stopping');
    await this.deps.status.stop();
  }

  private async load(): Promise<StoredDefinition | undefined> {
    try {
      const stored = await this.deps.store.load();
      return stored?.definition.group === this.deps.group ? stored : undefined;
    } catch (err) {
      this.deps.log.error({ err }, 'the stored definition cannot be read; waiting for the cloud');
      return undefined;
    }
  }

  private async fetchAll(): Promise<void> {
    do await this.fetchOnce();
    while (this.takeRepeat() && !this.closed);
  }

  /** Whether somebody asked for one more fetch since the last one began. */
  private takeRepeat(): boolean {
    const asked = this.fetchAgain;
    this.fetchAgain = false;
    return asked;
  }

  private async fetchOnce(): Promise<void> {
    try {
      const answer = await this.deps.cloud.definition(this.etag);
      this.failures = 0;
      if (answer === 'unchanged') this.retryFailed();
      else await this.accept(answer);
      this.deps.devices.enforceAdmission();
      this.schedule(POLL_MS);
    } catch (error) {
      const { code, message } = EdgeError.from(error);
      this.deps.log.warn({ code, reason: message }, 'the definition cannot be fetched');
      this.schedule(backoffMs(this.failures, RETRY));
      this.failures += 1;
    }
  }

  private async accept({ definition, etag }: { definition: GroupDefinition; etag: string }): Promise<void> {
    const { revision, group } = definition;
    if (group !== this.deps.group) throw new EdgeError('CORE_NOT_AUTHORISED', `definition of group ${group}`);
    if (revision < this.fetched.revision) {
      this.deps.log.warn({ revision, inForce: this.fetched.revision }, 'a lower revision is not applied');
      return;
    }
    this.etag = etag;
    if (revision === this.fetched.revision) return;
    this.fetched = definition;
    await this.apply(this.save());
  }

  /**
   * Storing and reconciling run at once: the cloud keeps the definition too, so nothing is lost if
   * only one gets done. It is in force, and devices hear "ready", only once it is stored.
   */
  private async apply(saved: Promise<void>): Promise<void> {
    const { fetched } = this;
    const definition = this.deps.over(fetched);
    const turn = ++this.made;
    this.target = definition;
    if (definition.revision !== this.reconciled) {
      this.announce('reconciling', definition.revision);
      this.deps.status.set('reconciling', this.reconciled);
    }
    const work = this.deps.local
      .reconcile(this.wanted(definition), definition.limits)
      .catch((err: unknown) =>
        this.deps.log.error({ err, revision: definition.revision }, 'reconciling failed'),
      );
    await saved;
    if (turn < this.inForce) return;
    this.inForce = turn;
    this.current = definition;
    this.deps.devices.enforceAdmission();
    // Else a newer one is being stored.
    if (fetched === this.fetched) this.deps.onStored(fetched);
    this.deps.onApplied(definition);
    this.noteUndelivered();
    void work.then(() => this.finished(definition));
  }

  /** A failure of an older revision is not told: the newer one has a deployment of its own. */
  private noteUndelivered(): void {
    const { current, target, undelivered } = this;
    if (undelivered === undefined || undelivered.revision !== current.revision) return;
    if (target.revision === current.revision) this.deps.local.undelivered(undelivered.error);
  }

  /**
   * A device that was told "ready" for what runs here already keeps it until a definition shows its
   * claim, also when one comes before in which the last other device has released it.
   */
  private wanted(definition: GroupDefinition): WantedFunction[] {
    const wanted = wantedFunctions(definition);
    const promised = this.deps.promised();
    const kept = this.deps.local
      .list()
      .filter(({ key, state }) => state === 'running' && promised.has(key))
      .filter(({ key }) => wanted.every((other) => other.key !== key));
    return [...wanted, ...kept.map(({ key, manifest }) => ({ key, manifest, static: false, devices: [] }))];
  }

  /** A function that failed for want of the cloud needs no new definition, only another attempt. */
  private retryFailed(): void {
    const failed = this.deps.local
      .list()
      .filter(({ state, undelivered }) => state === 'failed' && !undelivered);
    const mayPass = failed.some(({ error }) => error !== undefined && EdgeError.fromJSON(error).retryable);
    if (mayPass && this.reconciled === this.target.revision) void this.apply(Promise.resolve());
  }

  private finished(definition: GroupDefinition): void {
    if (this.closed || definition !== this.target) return;
    if (this.reconciled !== definition.revision) {
      this.reconciled = definition.revision;
      this.announce('ready', definition.revision);
      this.deps.status.set('ready', definition.revision);
    }
    this.deps.onReconciled(definition);
    if (this.history.hasChanged(definition)) void this.save();
  }

  private noteOutcome(changed: LocalFunction): void {
    if (changed.state === 'running') this.history.ran(changed);
    if (changed.state !== 'failed' || this.closed) return;
    const failure = this.history.failureOf(changed, this.fetched);
    if (failure !== undefined) this.deps.onFailed(failure);
  }

  private async save(): Promise<void> {
    const { fetched: definition, etag } = this;
    const history = this.history.toStore(this.deps.over(definition));
    try {
      await this.deps.store.save({ ...(etag !== undefined && { etag }), definition, ...history });
    } catch (err) {
      this.deps.log.error({ err }, 'the definition cannot be stored; serving with it all the same');
    }
  }

  private announce(state: EdgeStatusMessage['state'], revision = this.current.revision): void {
    this.deps.devices.announce({ state, revision, edge: this.deps.core });
  }

  private schedule(ms: number): void {
    this.timer?.cancel();
    if (this.closed) return;
    const pause = ms * (0.9 + 0.2 * this.deps.random());
    this.timer = this.deps.clock.setTimeout(() => void this.refresh(), pause);
  }
}
