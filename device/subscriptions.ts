import { EdgeError } from '../protocol/errors';
import { matchesTopicFilter, sharedTopic } from '../protocol/sharedTopics';
import { abortedAfter } from '../lib/timeLimit';
import { type Clock } from '../lib/clock';
import { QOS, type Link } from './link';
import type { RunOptions } from './requests';
import type { SharedListener } from './types';

interface Entry {
  filter: string;
  listeners: Set<SharedListener>;
  /** The link on which the broker has granted it. */
  link?: Link | undefined;
  waiting: Set<() => void>;
}

export interface SubscriptionsWorld {
  prefix: string;
  clock: Clock;
  /** The link of now, if there is one. */
  link(): Link | undefined;
}

/**
 * What a device hears of the topics that functions publish to. Filters are relative to
 * `<prefix>/shared/`. Each is subscribed once, and anew on every link.
 */
export class Subscriptions {
  readonly #world: SubscriptionsWorld;
  readonly #entries = new Map<string, Entry>();

  constructor(world: SubscriptionsWorld) {
    this.#world = world;
  }

  /** Resolves when the broker has granted it. Throws FORBIDDEN_TOPIC, TIMED_OUT, ABORTED, CLOSED. */
  async add(filter: string, listener: SharedListener, { timeoutMs, signal }: RunOptions): Promise<void> {
    const entry: Entry = this.#entries.get(filter) ?? { filter, listeners: new Set(), waiting: new Set() };
    this.#entries.set(filter, entry);
    entry.listeners.add(listener);
    const late = () => new EdgeError('TIMED_OUT', `no edge granted the subscription within ${timeoutMs} ms`);
    try {
      await abortedAfter(this.#world.clock, timeoutMs, signal, late, (inner) => this.#granted(entry, inner));
    } catch (error) {
      await this.remove(filter, listener);
      throw signal?.aborted ? new EdgeError('ABORTED') : error;
    }
  }

  async remove(filter: string, listener: SharedListener): Promise<void> {
    const entry = this.#entries.get(filter);
    if (entry?.listeners.delete(listener) !== true || entry.listeners.size > 0) return;
    this.#entries.delete(filter);
    const link = this.#world.link();
    // A link that is lost has forgotten it already.
    if (link !== undefined && link === entry.link)
      await link.unsubscribe(this.#topic(entry)).catch(() => undefined);
  }

  /** Subscribes on a new link. A filter that this edge refuses is reported and keeps nobody from joining. */
  async renew(link: Link, refused: (error: EdgeError) => void): Promise<void> {
    for (const entry of [...this.#entries.values()]) {
      if (entry.link === link) continue;
      await this.#subscribe(entry, link).catch((error: unknown) => {
        // Any other failure is that of the link, which then brings the next one.
        if (error instanceof EdgeError && error.code === 'FORBIDDEN_TOPIC') refused(error);
      });
    }
  }

  /** Hands a message to everyone who listens. `topic` is relative. */
  receive(topic: string, payload: unknown): void {
    for (const { filter, listeners } of this.#entries.values()) {
      if (!matchesTopicFilter(filter, topic)) continue;
      // Runs in a turn of its own, so that a listener that throws does not stop the message that is being
      // handled.
      for (const listener of listeners) queueMicrotask(() => listener(payload, topic));
    }
  }

  async #granted(entry: Entry, signal: AbortSignal): Promise<void> {
    const link = this.#world.link();
    if (link !== undefined && entry.link === link) return;
    if (link === undefined) return this.#renewed(entry, signal);
    try {
      await this.#subscribe(entry, link);
    } catch (error) {
      // A link that was lost meanwhile says nothing of the topic; the next one will.
      if (this.#world.link() === link) throw error;
      await this.#renewed(entry, signal);
    }
  }

  #renewed(entry: Entry, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      entry.waiting.add(resolve);
      signal.addEventListener('abort', () => {
        entry.waiting.delete(resolve);
        reject(signal.reason as Error);
      });
    });
  }

  async #subscribe(entry: Entry, link: Link): Promise<void> {
    await link.subscribe(this.#topic(entry), QOS.shared);
    entry.link = link;
    for (const resolve of entry.waiting) resolve();
    entry.waiting.clear();
  }

  #topic({ filter }: Entry): string {
    return sharedTopic(this.#world.prefix, filter);
  }
}
