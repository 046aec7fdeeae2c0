import { setImmediate as nextTurn } from 'node:timers';
import type { Logger } from 'pino';
import type { EventChannel, EventDelivery } from './context';

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

/** Calls `callback` after `ms` milliseconds, never at once, unless cancelled. */
export type Schedule = (callback: () => void, ms: number) => { cancel(): void };

export interface EventDeliveryOptions {
  faults?: Partial<Record<EventChannel, ChannelFaults>>;
  log: Logger;
  /** In [0, 1). Injected, the same faults come again. */
  random?: () => number;
  schedule?: Schedule;
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
export function createEventDelivery(
  options: EventDeliveryOptions,
): EventDelivery & { close(): Promise<void> } {
  const { faults = {}, log, random = Math.random, schedule = timers } = options;
  const scheduled = new Set<{ cancel(): void }>();
  const gathered = new Map<EventChannel, Delivery[]>();
  let underWay = 0;
  let closed = false;
  const waiting: (() => void)[] = [];

  const finished = (count = 1): void => {
    underWay -= count;
    if (underWay > 0) return;
    for (const resolve of waiting.splice(0)) resolve();
  };

  const run = ({ channel, label, deliver }: Delivery): void => {
    Promise.resolve()
      .then(deliver)
      .catch((error: unknown) => log.error({ err: error, channel, label }, 'event delivery failed'))
      .finally(() => finished());
  };

  const after = (ms: number, callback: () => void): void => {
    const entry = schedule(() => {
      scheduled.delete(entry);
      callback();
    }, ms);
    scheduled.add(entry);
  };

  const dispatch = (delivery: Delivery): void => {
    const [min, max] = faults[delivery.channel]?.delayMs ?? [0, 0];
    after(min + random() * (max - min), () => run(delivery));
  };

  const gather = (delivery: Delivery): void => {
    const others = gathered.get(delivery.channel);
    if (others !== undefined) return void others.push(delivery);
    gathered.set(delivery.channel, [delivery]);
    after(REORDER_WINDOW_MS, () => {
      const all = gathered.get(delivery.channel) ?? [];
      gathered.delete(delivery.channel);
      for (const one of reordered(all, random)) dispatch(one);
    });
  };

  const idle = async (): Promise<void> => {
    while (underWay > 0) await new Promise<void>((resolve) => waiting.push(resolve));
  };

  return {
    deliver(channel, label, deliver) {
      if (closed) return void log.debug({ channel, label }, 'event after close');
      const { duplicate = 0, loss = 0, reorder = false } = faults[channel] ?? {};
      if (random() < loss) return void log.info({ channel, label }, 'fault: event lost');
      const copies = 1 + (duplicate >= 1 ? Math.floor(duplicate) : random() < duplicate ? 1 : 0);
      if (copies > 1) log.info({ channel, label, copies }, 'fault: event duplicated');
      underWay += copies;
      for (let copy = 0; copy < copies; copy += 1) {
        (reorder ? gather : dispatch)({ channel, label, deliver });
      }
    },
    idle,
    /** Drops what has not begun and waits for what has. */
    async close() {
      closed = true;
      for (const entry of scheduled) entry.cancel();
      const dropped = scheduled.size + [...gathered.values()].reduce((sum, all) => sum + all.length - 1, 0);
      scheduled.clear();
      gathered.clear();
      finished(dropped);
      await idle();
    },
  };
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

const timers: Schedule = (callback, ms) => {
  if (ms > 0) {
    const timer = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(timer) };
  }
  const turn = nextTurn(callback);
  return { cancel: () => clearImmediate(turn) };
};
