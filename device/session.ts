import { EventEmitter } from 'node:events';
import { EdgeError } from '../protocol/errors';
import { relativeSharedTopic } from '../protocol/sharedTopics';
import { askTopic, REPLIES, replyTopic, statusTopic, type Reply } from '../protocol/topics';
import { outgoing } from './checks';
import type { Clock } from '../lib/clock';
import { EdgeConnection } from './connection';
import { ask } from './conversations';
import { Dialer, type Dialed } from './dialer';
import { QOS, type Candidate, type Link, type OpenLink } from './link';
import { readFailed, readJoined, parseObject, readStatus } from './replies';
import {
  aborted,
  PendingRequests,
  type Conversation,
  type Outgoing,
  type ReplyBody,
  type RunOptions,
} from './requests';
import { Subscriptions } from './subscriptions';
import type { ConnectedCore, EdgeClientEvents, EdgeStatus, SharedListener } from './types';

export interface SessionOptions {
  thingName: string;
  prefix: string;
  /** Name and version of the program, for the edge's logs. */
  client: { name: string; version: string };
}

/** What the session needs from outside; a test brings links in memory and its own clock. */
export interface SessionWorld {
  locate: (signal: AbortSignal) => Promise<Candidate[]>;
  openLink: OpenLink;
  clock: Clock;
  random: () => number;
  newId: () => string;
}

type Joined = ReturnType<typeof readJoined>;

/** Milliseconds in which an edge must let a device join, before the next address is tried. */
const JOIN_TIMEOUT_MS = 10_000;

/**
 * A device's standing with whatever edge it is connected to: subscribes and joins on every new link
 * (the MQTT session is clean, and the edge may be another one), routes replies to requests, and has
 * unanswered requests sent again.
 */
export class DeviceSession {
  readonly events = new EventEmitter<EdgeClientEvents>();
  readonly #options: SessionOptions;
  readonly #world: SessionWorld;
  readonly #requests: PendingRequests;
  readonly #connection: EdgeConnection<Joined>;
  readonly #subscriptions: Subscriptions;
  /** Aborted by close(). */
  readonly #closing = new AbortController();
  #greeting: PendingRequests | undefined;
  #core: ConnectedCore | undefined;
  #status: EdgeStatus | undefined;
  #closed = false;

  private constructor(options: SessionOptions, world: SessionWorld) {
    this.#options = options;
    this.#world = world;
    const { clock, random } = world;
    const dialer = new Dialer<Joined>({
      locate: (signal) => world.locate(signal),
      openLink: world.openLink,
      message: (topic, payload) => this.#onMessage(topic, payload),
      greet: (link, signal) => this.#greet(link, signal),
    });
    this.#connection = new EdgeConnection<Joined>({
      clock,
      random,
      dial: (signal) => dialer.dial(signal),
      up: (dialed) => this.#onUp(dialed),
      down: (reason) => this.#onDown(reason),
      failed: (reason) => this.#requests.suspend(reason),
    });
    this.#requests = new PendingRequests({
      clock,
      random,
      publish: (message) => this.#connection.publish(message),
    });
    const link = (): Link | undefined => this.#connection.link;
    this.#subscriptions = new Subscriptions({ prefix: options.prefix, clock, link });
  }

  /**
   * Resolves when an edge core has let the device join. Throws EDGE_NOT_FOUND, UNKNOWN_DEVICE, the code
   * of a refused join, TIMED_OUT, ABORTED.
   */
  static async open(options: SessionOptions, world: SessionWorld, run: RunOptions): Promise<DeviceSession> {
    if (run.signal?.aborted) throw aborted(run.signal);
    const session = new DeviceSession(options, world);
    try {
      await session.#connection.open(run.timeoutMs, run.signal);
      return session;
    } catch (error) {
      await session.close();
      throw run.signal?.aborted ? aborted(run.signal) : error;
    }
  }

  /** The edge core that the device last joined. */
  get core(): ConnectedCore | undefined {
    return this.#core;
  }

  get status(): EdgeStatus | undefined {
    return this.#status;
  }

  get connected(): boolean {
    return this.#connection.connected;
  }

  /** Requests that are unanswered. */
  get pending(): number {
    return this.#requests.size;
  }

  newId(): string {
    return this.#world.newId();
  }

  run<T>(conversation: Conversation<T>, options: RunOptions): Promise<T> {
    return this.#requests.run(conversation, options);
  }

  /** Resolves when the edge has granted it. */
  subscribe(filter: string, listener: SharedListener, { timeoutMs, signal }: RunOptions): Promise<void> {
    if (this.#closed) return Promise.reject(new EdgeError('CLOSED'));
    if (signal?.aborted) return Promise.reject(aborted(signal));
    const either = AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])]);
    return this.#subscriptions
      .add(filter, listener, { timeoutMs, signal: either })
      .catch((error: unknown) => {
        throw this.#closed ? new EdgeError('CLOSED') : error;
      });
  }

  unsubscribe(filter: string, listener: SharedListener): Promise<void> {
    return this.#subscriptions.remove(filter, listener);
  }

  /** Publishes once, if there is a connection; nothing waits for an answer. */
  post(message: Outgoing): void {
    this.#connection.publish(message).catch(() => undefined);
  }

  /** Rejects what is unanswered with CLOSED and ends the connection. */
  async close(): Promise<void> {
    this.#closed = true;
    const error = new EdgeError('CLOSED');
    this.#greeting?.close(error);
    this.#requests.close(error);
    this.#closing.abort(error);
    await this.#connection.close();
  }

  async #greet(link: Link, signal: AbortSignal): Promise<Joined> {
    const { prefix, thingName, client } = this.#options;
    const { clock, random, newId } = this.#world;
    // One after the other: the second would only wait in the kernel behind the first (see QOS).
    await link.subscribe(replyTopic(prefix, thingName, '+'), QOS.reply);
    await link.subscribe(statusTopic(prefix), QOS.status);
    await this.#subscriptions.renew(link, (refusal) => this.#emit('failed', { error: refusal }));
    const requestId = newId();
    const message = outgoing(askTopic(prefix, thingName, 'join'), { requestId, client }, QOS.ask);
    const greeting = new PendingRequests({
      clock,
      random,
      publish: ({ topic, payload, qos }) => link.publish(topic, payload, qos),
    });
    this.#greeting = greeting;
    try {
      const joining = ask(requestId, message, 'joined', readJoined);
      return await greeting.run(joining, { timeoutMs: JOIN_TIMEOUT_MS, signal });
    } finally {
      if (this.#greeting === greeting) this.#greeting = undefined;
    }
  }

  #onUp({ candidate: { host, port }, greeting, link }: Dialed<Joined>): void {
    // Subscriptions that were added since this link was greeted.
    void this.#subscriptions.renew(link, (refusal) => this.#emit('failed', { error: refusal }));
    const first = this.#core === undefined;
    const core = { name: greeting.edge, host, port };
    this.#core = core;
    if (first) return;
    this.#requests.resume();
    this.#emit('reconnected', core);
  }

  #onDown(reason: Error): void {
    this.#requests.suspend(reason);
    this.#emit('disconnected', new EdgeError('DISCONNECTED', reason.message, { cause: reason }));
  }

  #onMessage(topic: string, payload: Uint8Array): void {
    const { prefix, thingName } = this.#options;
    const shared = relativeSharedTopic(prefix, topic);
    if (shared !== undefined) {
      this.#onShared(shared, payload);
      return;
    }
    const body = parseObject(payload);
    if (topic === statusTopic(prefix)) {
      this.#onStatus(body);
      return;
    }
    const kind = REPLIES.find((reply) => topic === replyTopic(prefix, thingName, reply));
    if (kind === undefined) return;
    if (body === undefined) {
      this.#emit('failed', { error: new EdgeError('INTERNAL', `unreadable message on ${topic}`) });
      return;
    }
    if (this.#requests.receive(kind, body) || this.#greeting?.receive(kind, body)) return;
    this.#onUnasked(kind, body);
  }

  #onStatus(body: ReplyBody | undefined): void {
    const status = readStatus(body);
    if (status === undefined) return;
    this.#status = status;
    this.#emit('status', status);
  }

  #onShared(topic: string, payload: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#subscriptions.receive(topic, JSON.parse(Buffer.from(payload).toString('utf8')));
    } catch (cause) {
      this.#emit('failed', { error: new EdgeError('INTERNAL', `unreadable message on ${topic}`, { cause }) });
    }
  }

  /** A failure that no request waits for: that of an asynchronous call, or the late copy of an old one. */
  #onUnasked(kind: Reply, body: ReplyBody): void {
    if (kind !== 'failed') return;
    const { requestId } = body;
    this.#emit('failed', {
      ...(typeof requestId === 'string' ? { requestId } : {}),
      error: readFailed(body),
    });
  }

  /**
   * Runs in a turn of its own, so that a listener that throws does not stop the message that is being
   * handled.
   */
  #emit<K extends keyof EdgeClientEvents>(event: K, ...args: EdgeClientEvents[K]): void {
    if (this.#closed) return;
    queueMicrotask(() => {
      if (!this.#closed) (this.events as EventEmitter).emit(event, ...args);
    });
  }
}
