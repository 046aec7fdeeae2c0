import { EdgeError } from '../protocol/errors';
import { backoffMs, type Backoff } from '../lib/backoff';
import { pause, abortedAfter } from '../lib/timeLimit';
import { type Clock } from '../lib/clock';
import type { Dialed } from './dialer';
import type { Link } from './link';
import type { Outgoing } from './requests';

export interface ConnectionWorld<G> {
  dial: (signal: AbortSignal) => Promise<Dialed<G>>;
  clock: Clock;
  random: () => number;
  /** There is a link, the first or a new one. */
  up: (dialed: Dialed<G>) => void;
  down: (reason: Error) => void;
  /** An attempt to reconnect failed; the next one follows. */
  failed: (reason: Error) => void;
}

/** Pauses between attempts to reconnect: an edge that restarts is back within a second or two. */
const RECONNECT: Backoff = { first: 100, most: 5_000 };
/** One round of attempts, over all known addresses. */
const ROUND_MS = 30_000;

/** Keeps a link to an edge core: when one is lost, dials until there is another, or until closed. */
export class EdgeConnection<G> {
  readonly #world: ConnectionWorld<G>;
  readonly #stop = new AbortController();
  #current: Dialed<G> | undefined;

  constructor(world: ConnectionWorld<G>) {
    this.#world = world;
  }

  get connected(): boolean {
    return this.#current !== undefined;
  }

  get link(): Link | undefined {
    return this.#current?.link;
  }

  /** The first link: one round within `ms`, whose failure is the caller's. TIMED_OUT when `ms` are over. */
  async open(ms: number, signal?: AbortSignal): Promise<void> {
    this.#use(await this.#dialWithin(ms, signal));
  }

  publish({ topic, payload, qos }: Outgoing): Promise<void> {
    if (this.#current === undefined) return Promise.reject(new EdgeError('DISCONNECTED'));
    return this.#current.link.publish(topic, payload, qos);
  }

  /** Ends the link and all attempts at another. */
  async close(): Promise<void> {
    this.#stop.abort(new EdgeError('CLOSED'));
    const current = this.#current;
    this.#current = undefined;
    await current?.link.close();
  }

  #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  #use(dialed: Dialed<G>): void {
    this.#current = dialed;
    void dialed.lost.then((reason) => this.#lose(dialed, reason));
    this.#world.up(dialed);
  }

  #lose(dialed: Dialed<G>, reason: Error): void {
    if (this.#current !== dialed) return;
    this.#current = undefined;
    this.#world.down(reason);
    void this.#redial();
  }

  async #redial(): Promise<void> {
    const { clock, random } = this.#world;
    for (let attempt = 0; !this.#stopped(); attempt++) {
      await pause(backoffMs(attempt, RECONNECT, random), this.#stop.signal, clock);
      if (this.#stopped()) return;
      const dialed = await this.#round();
      if (dialed === undefined) continue;
      if (this.#stopped()) return dialed.link.close();
      this.#use(dialed);
      return;
    }
  }

  async #round(): Promise<Dialed<G> | undefined> {
    try {
      return await this.#dialWithin(ROUND_MS, this.#stop.signal);
    } catch (error) {
      if (!this.#stopped()) this.#world.failed(error as Error);
      return undefined;
    }
  }

  async #dialWithin(ms: number, signal: AbortSignal | undefined): Promise<Dialed<G>> {
    const { clock, dial } = this.#world;
    let dialing: Promise<Dialed<G>> | undefined;
    const late = (): EdgeError =>
      new EdgeError('TIMED_OUT', `no edge core let the device in within ${ms} ms`);
    try {
      return await abortedAfter(clock, ms, signal, late, (inner) => (dialing = dial(inner)));
    } catch (error) {
      // A link that is ready in the very moment of giving up would otherwise stay open for ever.
      void dialing?.then(({ link }) => link.close()).catch(() => undefined);
      throw error;
    }
  }
}
