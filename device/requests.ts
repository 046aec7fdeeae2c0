import { EdgeError } from '../protocol/errors';
import type { Reply } from '../protocol/topics';
import { backoffMs, type Backoff } from '../lib/backoff';
import { type Clock } from '../lib/clock';
import type { QoS } from './link';

/** A message to the edge, ready to be published any number of times. */
export interface Outgoing {
  topic: string;
  payload: string;
  qos: QoS;
}

export type ReplyBody = Readonly<Record<string, unknown>>;

/** `wait` for more, `send` what `message()` now returns, or done. */
export type NextStep<T> = 'wait' | 'send' | { done: T };

/**
 * What is said between device and edge under one request id, without time and without loss: those are
 * the concern of `PendingRequests`.
 */
export interface Conversation<T> {
  readonly requestId: string;
  /** The message that now awaits an answer. */
  message(): Outgoing;
  /** Throws EdgeError when the request has failed. */
  onReply(kind: Reply, body: ReplyBody): NextStep<T>;
  /** For a message that is not answered: the broker has acknowledged it. */
  onAcknowledged?(): NextStep<T>;
}

export interface RunOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface RequestsWorld {
  publish: (message: Outgoing) => Promise<void>;
  clock: Clock;
  random: () => number;
}

/** Retries on a live connection; after a lost connection everything is sent again at once. */
const RETRY: Backoff = { first: 1_000, most: 10_000 };

interface Pending {
  conversation: Conversation<unknown>;
  attempts: number;
  retry?: { cancel(): void };
  lastError?: unknown;
  /** The edge said on this connection that it is stopping. */
  edgeStops?: true;
  settle: (outcome: { done: unknown } | { error: Error }) => void;
}

/**
 * The requests under way. Each is sent again with its own id until it is answered, its time is up, its
 * signal is aborted or the client is closed; the edge answers a repeated id from memory.
 */
export class PendingRequests {
  readonly #world: RequestsWorld;
  readonly #pending = new Map<string, Pending>();
  #down: Error | undefined;
  #closed: EdgeError | undefined;

  constructor(world: RequestsWorld) {
    this.#world = world;
  }

  /** How many are unanswered. */
  get size(): number {
    return this.#pending.size;
  }

  /**
   * Throws what the edge answered, TIMED_OUT (DISCONNECTED if the connection is down when the time is
   * up), ABORTED, or CLOSED.
   */
  run<T>(conversation: Conversation<T>, { timeoutMs, signal }: RunOptions): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) {
        reject(this.#closed);
        return;
      }
      if (signal?.aborted) {
        reject(aborted(signal));
        return;
      }
      const abort = (): void => pending.settle({ error: aborted(signal) });
      const deadline = this.#world.clock.setTimeout(
        () => pending.settle({ error: this.#late(pending, timeoutMs) }),
        timeoutMs,
      );
      const pending: Pending = {
        conversation,
        attempts: 0,
        settle: (outcome) => {
          if (this.#pending.get(conversation.requestId) !== pending) return;
          this.#pending.delete(conversation.requestId);
          deadline.cancel();
          pending.retry?.cancel();
          signal?.removeEventListener('abort', abort);
          if ('done' in outcome) resolve(outcome.done as T);
          else reject(outcome.error);
        },
      };
      this.#pending.set(conversation.requestId, pending);
      signal?.addEventListener('abort', abort);
      this.#send(pending);
    });
  }

  /** Hands a reply to the request that it answers; false if there is none. */
  receive(kind: Reply, body: ReplyBody): boolean {
    const pending = this.#pending.get(String(body.requestId));
    if (pending === undefined) return false;
    if (kind === 'failed' && this.#outlives(pending, body)) return true;
    this.#advance(pending, () => pending.conversation.onReply(kind, body));
    return true;
  }

  /** The connection is lost: nothing is sent until `resume`. */
  suspend(reason: Error): void {
    this.#down = reason;
    for (const pending of this.#pending.values()) pending.retry?.cancel();
  }

  /** There is a new connection: everything unanswered is sent again at once. */
  resume(): void {
    this.#down = undefined;
    for (const pending of [...this.#pending.values()]) {
      pending.attempts = 0;
      delete pending.edgeStops;
      this.#send(pending);
    }
  }

  /** Rejects everything, now and later, with `error`. */
  close(error: EdgeError): void {
    this.#closed ??= error;
    for (const pending of [...this.#pending.values()]) pending.settle({ error });
  }

  /**
   * CLOSED is the last word of an edge core that stops: the next connection is to another one, or to
   * this one started again. Only if it says so twice and stays, it is the answer.
   */
  #outlives(pending: Pending, body: ReplyBody): boolean {
    if (pending.edgeStops || EdgeError.fromJSON(body.error).code !== 'CLOSED') return false;
    pending.edgeStops = true;
    pending.attempts = 0;
    this.#schedule(pending);
    return true;
  }

  #schedule(pending: Pending): void {
    pending.retry?.cancel();
    if (this.#down !== undefined) return;
    const ms = backoffMs(pending.attempts, RETRY, this.#world.random);
    pending.attempts += 1;
    pending.retry = this.#world.clock.setTimeout(() => this.#send(pending), ms);
  }

  #send(pending: Pending): void {
    if (this.#down !== undefined) return;
    this.#schedule(pending);
    this.#world.publish(pending.conversation.message()).then(
      () => this.#acknowledged(pending),
      (error: unknown) => (pending.lastError = error),
    );
  }

  #acknowledged(pending: Pending): void {
    const { conversation } = pending;
    if (conversation.onAcknowledged === undefined) return;
    this.#advance(pending, () => conversation.onAcknowledged?.() ?? 'wait');
  }

  #advance(pending: Pending, next: () => NextStep<unknown>): void {
    if (this.#pending.get(pending.conversation.requestId) !== pending) return;
    try {
      const step = next();
      if (step === 'wait') return;
      if (step !== 'send') {
        pending.settle(step);
        return;
      }
      pending.attempts = 0;
      this.#send(pending);
    } catch (error) {
      pending.settle({ error: error as Error });
    }
  }

  #late(pending: Pending, timeoutMs: number): EdgeError {
    const { topic } = pending.conversation.message();
    const details = { requestId: pending.conversation.requestId, topic, timeoutMs };
    if (this.#down !== undefined) {
      return new EdgeError('DISCONNECTED', `no connection to the edge: ${this.#down.message}`, {
        details,
        cause: this.#down,
      });
    }
    return new EdgeError('TIMED_OUT', `no answer to ${topic} within ${timeoutMs} ms`, {
      details,
      ...(pending.lastError === undefined ? {} : { cause: pending.lastError }),
    });
  }
}

export function aborted(signal: AbortSignal | undefined): EdgeError {
  return new EdgeError('ABORTED', undefined, { cause: signal?.reason });
}
