import { MAX_INVOKE_TIMEOUT_MS } from '../protocol/limits';
import { askTopic, callTopic, type Ask } from '../protocol/topics';
import { EdgeError } from '../protocol/errors';
import {
  invalidOption,
  outgoing,
  requireFunctionName,
  requireOneOf,
  requireSharedFilter,
  requireTimeout,
  requireVersion,
} from './checks';
import { ask, call, DeploymentConversation, type Ready } from './conversations';
import { EdgeFunction } from './edgeFunction';
import { QOS } from './link';
import { openSession } from './openSession';
import { readPrefetched, readResult } from './replies';
import type { Outgoing, RunOptions } from './requests';
import type { DeviceSession } from './session';
import type {
  ConnectedCore,
  ConnectOptions,
  DeployOptions,
  EdgeClientEvents,
  EdgeStatus,
  InvokeLocation,
  InvokeOptions,
  Prefetched,
  PrefetchOptions,
  Progress,
  RequestOptions,
  SendOptions,
  Sent,
  SharedListener,
  Subscription,
} from './types';

/** Default timeouts in milliseconds. */
const TIMEOUT = {
  deploy: 60_000,
  invoke: 30_000,
  prefetch: 60_000,
  release: 15_000,
  send: 15_000,
  subscribe: 15_000,
};
const LOCATIONS: readonly InvokeLocation[] = ['edge', 'cloud', 'any'];

/**
 * A device's connection to its nearby edge core. Reconnects by itself; every request survives a lost
 * connection and a restart of the edge until its own timeout. All methods throw EdgeError.
 */
export class EdgeClient {
  readonly #session: DeviceSession;
  readonly #prefix: string;
  readonly #thingName: string;
  /** How many handles and deployments under way want a function of that name. */
  readonly #wanted = new Map<string, number>();

  private constructor(session: DeviceSession, address: { prefix: string; thingName: string }) {
    this.#session = session;
    this.#prefix = address.prefix;
    this.#thingName = address.thingName;
  }

  /**
   * Finds an edge core (by discovery, or at the given endpoint), connects with mutual TLS and joins.
   * One attempt over all addresses; a device that starts before its edge tries again.
   * Throws EDGE_NOT_FOUND (details.tried), UNKNOWN_DEVICE, DEVICE_REVOKED, BAD_REQUEST (field: the
   * option), TIMED_OUT, ABORTED, UNSUPPORTED (no native SDK for this platform).
   */
  static async connect(options: ConnectOptions): Promise<EdgeClient> {
    const { session, prefix, thingName } = await openSession(options);
    return new EdgeClient(session, { prefix, thingName });
  }

  /** @internal A client over a session that is open already. */
  static over(session: DeviceSession, address: { prefix: string; thingName: string }): EdgeClient {
    return new EdgeClient(session, address);
  }

  /** The edge core that the device last joined. */
  get core(): ConnectedCore {
    if (this.#session.core === undefined) throw new EdgeError('INTERNAL', 'not joined');
    return this.#session.core;
  }

  get connected(): boolean {
    return this.#session.connected;
  }

  /** What the edge last said about itself. */
  get status(): EdgeStatus | undefined {
    return this.#session.status;
  }

  /**
   * Has the function brought to the edge (stages I and II), or finds it there. Default timeout 60 s.
   * An abort after the confirmation also releases the function, unless this client holds it otherwise.
   * Throws FUNCTION_NOT_FOUND, VERSION_NOT_FOUND, NOT_ENTITLED, LOCATION_NOT_ALLOWED,
   * DEPLOYMENT_FAILED, CLOUD_UNREACHABLE, TIMED_OUT, DISCONNECTED, ABORTED, CLOSED, …
   */
  async deploy(name: string, options: DeployOptions = {}): Promise<EdgeFunction> {
    const { onProgress } = options;
    const run = runOptions(options, TIMEOUT.deploy);
    const requestId = this.#session.newId();
    const body = { requestId, function: requireFunctionName(name), version: requireVersion(options.version) };
    const messages = {
      request: this.#ask('request', body),
      confirm: this.#ask('confirm', { requestId }),
    };
    const deployment = new DeploymentConversation(requestId, messages, ({ stage }) => {
      const progress: Progress = { stage, function: name };
      if (onProgress) queueMicrotask(() => onProgress(progress));
    });
    this.#want(name, 1);
    try {
      return this.#handle(await this.#session.run(deployment, run));
    } catch (error) {
      this.#want(name, -1);
      const given = EdgeError.from(error);
      if (given.code === 'ABORTED' && deployment.claimed && !this.#wanted.has(name)) this.#withdraw(name);
      throw error;
    }
  }

  /**
   * Calls a function by name, wherever `location` says (default `edge`, where it must be deployed), and
   * returns what it returned. Default timeout 30 s, which the edge enforces too. A call that is sent
   * again after a lost connection is answered from the edge's memory; if the edge itself was restarted
   * meanwhile, the function may run a second time. Throws as `EdgeFunction.invoke`.
   */
  async invoke<Output = unknown>(
    name: string,
    input?: unknown,
    options: InvokeOptions = {},
  ): Promise<Output> {
    const run = runOptions(options, TIMEOUT.invoke);
    const requestId = this.#session.newId();
    const message = this.#ask('invoke', {
      requestId,
      function: requireFunctionName(name),
      version: requireVersion(options.version),
      location: requireOneOf(options.location ?? 'edge', 'location', LOCATIONS),
      input,
      // Nobody waits longer: the edge need not let it run on.
      timeoutMs: Math.min(run.timeoutMs, MAX_INVOKE_TIMEOUT_MS),
    });
    const { output, ...report } = await this.#session.run(ask(requestId, message, 'result', readResult), run);
    options.onReport?.(report);
    return output as Output;
  }

  /**
   * Calls a function on the edge by name, asynchronously; its result is discarded. Resolves when the
   * edge's broker has the call. A failure after that is an event `failed` with the same request id.
   * Default timeout 15 s.
   */
  async send(name: string, input?: unknown, options: SendOptions = {}): Promise<Sent> {
    const topic = callTopic(this.#prefix, this.#thingName, requireFunctionName(name));
    return this.#send(topic, requireVersion(options.version), input, options);
  }

  /**
   * Hints that the function will be wanted soon: the edge fetches the package ahead. Default timeout
   * 60 s. Nobody needs to wait for it, and a failure that nobody waits for is no unhandled rejection.
   */
  prefetch(name: string, options: PrefetchOptions = {}): Promise<Prefetched> {
    const fetched = this.#prefetch(name, options);
    fetched.catch(() => undefined);
    return fetched;
  }

  /**
   * Listens to what functions on the edge publish with `context.edge.publish`, on this edge and on every
   * edge that the device meets later. `topic` is relative to `<prefix>/shared/`; `+` and `#` are MQTT's
   * wildcards. Nothing is kept for a device that is not connected. An edge grants a device 48 topics.
   * Resolves when it has granted this one. Default timeout 15 s. Throws BAD_REQUEST, FORBIDDEN_TOPIC,
   * TIMED_OUT, ABORTED, CLOSED.
   */
  async subscribe(
    topic: string,
    listener: SharedListener,
    options: RequestOptions = {},
  ): Promise<Subscription> {
    const filter = requireSharedFilter(this.#prefix, topic);
    if (typeof listener !== 'function') throw invalidOption('listener', 'a function');
    // The same function may listen twice, and stop once.
    const own: SharedListener = (payload, at) => listener(payload, at);
    await this.#session.subscribe(filter, own, runOptions(options, TIMEOUT.subscribe));
    return { topic, close: () => this.#session.unsubscribe(filter, own) };
  }

  on<K extends keyof EdgeClientEvents>(event: K, listener: (...args: EdgeClientEvents[K]) => void): this {
    this.#session.events.on(event, listener as never);
    return this;
  }

  off<K extends keyof EdgeClientEvents>(event: K, listener: (...args: EdgeClientEvents[K]) => void): this {
    this.#session.events.off(event, listener as never);
    return this;
  }

  /** Rejects what is unanswered with CLOSED, leaves the edge, and lets the process exit. */
  close(): Promise<void> {
    return this.#session.close();
  }

  #handle(ready: Ready): EdgeFunction {
    const { function: name, version } = ready;
    return new EdgeFunction(ready, {
      invoke: (input, options) => this.invoke(name, input, { ...options, version }),
      send: (input, options) => this.#send(ready.callTopic, version, input, options),
      release: (options) => this.#release(name, options),
    });
  }

  async #send(
    topic: string,
    version: string | undefined,
    input: unknown,
    options: RequestOptions,
  ): Promise<Sent> {
    const requestId = this.#session.newId();
    const message = outgoing(topic, { requestId, version, input }, QOS.call);
    await this.#session.run(call(requestId, message), runOptions(options, TIMEOUT.send));
    return { requestId };
  }

  async #release(name: string, options: RequestOptions): Promise<void> {
    const requestId = this.#session.newId();
    const message = this.#ask('release', { requestId, function: name });
    const released = ask(requestId, message, 'released', () => undefined);
    await this.#session.run(released, runOptions(options, TIMEOUT.release));
    this.#wanted.delete(name);
  }

  async #prefetch(name: string, options: PrefetchOptions): Promise<Prefetched> {
    const requestId = this.#session.newId();
    const message = this.#ask('prefetch', {
      requestId,
      function: requireFunctionName(name),
      version: requireVersion(options.version),
    });
    const conversation = ask(requestId, message, 'prefetched', readPrefetched);
    return this.#session.run(conversation, runOptions(options, TIMEOUT.prefetch));
  }

  #ask(kind: Ask, body: Record<string, unknown>): Outgoing {
    return outgoing(askTopic(this.#prefix, this.#thingName, kind), body, QOS.ask);
  }

  #want(name: string, by: 1 | -1): void {
    const count = (this.#wanted.get(name) ?? 0) + by;
    if (count > 0) this.#wanted.set(name, count);
    else this.#wanted.delete(name);
  }

  /** Best effort: who gave up does not wait for it either. */
  #withdraw(name: string): void {
    this.#session.post(this.#ask('release', { requestId: this.#session.newId(), function: name }));
  }
}

function runOptions({ timeout, signal }: RequestOptions, fallback: number): RunOptions {
  return { timeoutMs: requireTimeout(timeout, fallback), signal };
}
