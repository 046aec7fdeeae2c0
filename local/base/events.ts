import { setImmediate as nextTurn } from 'node:timers';
import type { Logger } from 'pino';
import { systemClock, type Clock, type Timer } from '../../lib/clock';

/** What a channel does to its events, as AWS does now and then. */
export interface ChannelFaults {
  /** Below 1: the probability of one more copy. From 1: how many more copies every event gets. */
  duplicate?: number;
  /** Each copy is late by a time between these, in milliseconds. */
  delayMs?: readonly [min: number, max: number];
  /** Probability that an event never arrives, in any copy. */
  loss?: number;
  /** Events that come in close succession are delivered in another order. */
  reorder?: boolean;
}

/** Channels on which AWS delivers at least once, in any order, late. */
export type EventChannel = 's3' | 'lambdaAsync' | 'iotRule' | 'eventBridge';

export interface EventDeliveryOptions {
  faults?: Partial<Record<EventChannel, ChannelFaults>> | undefined;
  log: Logger;
  /** In [0, 1). Injected, the same faults come again. */
  random?: (() => number) | undefined;
  /** Calls `callback` after `ms` milliseconds, never at once, unless cancelled. */
  schedule?: Clock['setTimeout'];
}

interface Delivery {
  channel: EventChannel;
  label: string;
  deliver: () => Promise<void>;
}

/** How long reordering gathers events before it delivers them. */
const REORDER_WINDOW_MS = 20;

/**
 * Delivers events asynchronously, each on its own, with the faults asked for. A delivery that fails is
 * logged: retries are the business of what receives (Lambda's asynchronous invocation).
 */
export class EventDelivery {
  readonly #options: { [Key in keyof EventDeliveryOptions]-?: NonNullable<EventDeliveryOptions[Key]> };
  readonly #scheduled = new Set<Timer>();
  /** By channel: what waits to be delivered in another order. */
  readonly #gathered = new Map<EventChannel, Delivery[]>();
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  #closed = false;

  constructor({ log, faults = {}, random = Math.random, schedule = timers }: EventDeliveryOptions) {
    this.#options = { log, faults, random, schedule };
  }

  deliver(channel: EventChannel, label: string, deliver: () => Promise<void>): void {
    const { faults, log, random } = this.#options;
    const { duplicate = 0, loss = 0, reorder = false } = faults[channel] ?? {};
    if (this.#closed) {
      log.debug({ channel, label }, 'event after close');
      return;
    }
    if (random() < loss) {
      log.info({ channel, label }, 'fault: event lost');
      return;
    }
    const copies = 1 + (duplicate >= 1 ? Math.floor(duplicate) : random() < duplicate ? 1 : 0);
    if (copies > 1) log.info({ channel, label, copies }, 'fault: event duplicated');
    this.#underWay += copies;
    for (let copy = 0; copy < copies; copy += 1) {
      if (reorder) this.#gather({ channel, label, deliver });
      else this.#dispatch({ channel, label, deliver });
    }
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#underWay > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Drops what has not begun and waits for what has. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#scheduled) timer.cancel();
    // One timer stands for all that a channel gathered.
    const others = [...this.#gathered.values()].reduce((sum, all) => sum + all.length - 1, 0);
    const dropped = this.#scheduled.size + others;
    this.#scheduled.clear();
    this.#gathered.clear();
    this.#finished(dropped);
    await this.idle();
  }

  #dispatch(delivery: Delivery): void {
    const { faults, random } = this.#options;
    const [min, max] = faults[delivery.channel]?.delayMs ?? [0, 0];
    this.#after(min + random() * (max - min), () => void this.#run(delivery));
  }

  #gather(delivery: Delivery): void {
    const { channel } = delivery;
    const others = this.#gathered.get(channel);
    if (others !== undefined) {
      others.push(delivery);
      return;
    }
    this.#gathered.set(channel, [delivery]);
    this.#after(REORDER_WINDOW_MS, () => {
      const all = this.#gathered.get(channel) ?? [];
      this.#gathered.delete(channel);
      for (const one of reordered(all, this.#options.random)) this.#dispatch(one);
    });
  }

  #after(ms: number, callback: () => void): void {
    const timer = this.#options.schedule(() => {
      this.#scheduled.delete(timer);
      callback();
    }, ms);
    this.#scheduled.add(timer);
  }

  async #run({ channel, label, deliver }: Delivery): Promise<void> {
    try {
      // Never at once, even where the schedule calls back at once.
      await Promise.resolve();
      await deliver();
    } catch (error) {
      this.#options.log.error({ err: error, channel, label }, 'event delivery failed');
    }
    this.#finished(1);
  }

  #finished(count: number): void {
    this.#underWay -= count;
    if (this.#underWay > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Random numbers in [0, 1) that a seed determines (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A shuffle that is never the order of arrival, where there are two or more. */
function reordered<T>(all: readonly T[], random: () => number): T[] {
  const shuffled = [...all];
  for (let index = shuffled.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [shuffled[index], shuffled[other]] = [shuffled[other] as T, shuffled[index] as T];
  }
  return shuffled.every((one, index) => one === all[index]) ? shuffled.reverse() : shuffled;
}

const timers: Clock['setTimeout'] = (callback, ms) => {
  if (ms > 0) return systemClock.setTimeout(callback, ms);
  const turn = nextTurn(callback);
  return {
    cancel: () => {
      clearImmediate(turn);
    },
  };
};
