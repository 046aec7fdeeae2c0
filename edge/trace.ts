import { preciseNow, type Ask, type Exchange, type FlowStep, type Reply } from '../protocol';
import type { DeviceMessageHandlers } from './devices/broker/receive';
import type { Cloud, Devices, LocalFunctions, TraceExchange, Upstream } from './ports';

/**
 * Exchanges for the timeline, taken at the seams by wrapping the ports; without tracing nothing is
 * wrapped and nothing is paid.
 */
export interface Tracer {
  handlers(inner: DeviceMessageHandlers): DeviceMessageHandlers;
  devices(inner: Devices): Devices;
  cloud(inner: Cloud): Cloud;
  upstream(inner: Upstream): Upstream;
  local(inner: LocalFunctions): LocalFunctions;
}

const ASK_STEP: Record<Ask, FlowStep> = {
  join: 'join',
  request: 'stage I',
  prefetch: 'stage I',
  confirm: 'stage II',
  release: 'stage II',
  invoke: 'invoke',
};

const REPLY_STEP: Record<Reply, FlowStep> = {
  joined: 'join',
  available: 'stage I',
  prefetched: 'stage I',
  progress: 'stage II',
  ready: 'stage II',
  released: 'stage II',
  result: 'invoke',
  failed: 'refusal',
};

/** Asks that still wait for their last answer; more than this and the oldest lose their duration. */
const MAX_OPEN = 1_024;

export function createTracer(core: string, emit: TraceExchange): Tracer {
  const asked = new Map<string, number>();

  function received(device: string, step: FlowStep, what: string, requestId: string): void {
    const at = preciseNow();
    asked.set(`${device} ${requestId}`, at);
    if (asked.size > MAX_OPEN) asked.delete(asked.keys().next().value as string);
    emit({ at, from: device, to: core, what, step, requestId });
  }

  function replied(device: string, kind: Reply, message: Record<string, unknown>): void {
    const at = preciseNow();
    const requestId = message['requestId'] as string | undefined;
    const since = asked.get(`${device} ${requestId}`);
    const step = stepOf(kind, message);
    const exchange: Exchange = { at, from: core, to: device, what: describe(kind, message), step };
    if (requestId !== undefined) exchange.requestId = requestId;
    if (since !== undefined) exchange.ms = at - since;
    emit({ ...exchange, ok: kind !== 'failed' });
  }

  async function roundTrip<T>(
    to: string,
    step: FlowStep,
    what: string,
    requestId: string | undefined,
    run: () => Promise<T>,
  ) {
    const at = preciseNow();
    const done = (ok: boolean) => {
      const exchange: Exchange = { at, from: core, to, what, step, ms: preciseNow() - at, ok };
      emit(requestId === undefined ? exchange : { ...exchange, requestId });
    };
    try {
      const answer = await run();
      done(true);
      return answer;
    } catch (error) {
      done(false);
      throw error;
    }
  }

  return {
    handlers: (inner) => ({
      ask(device, ask, message) {
        const { function: name } = message as { function?: string };
        received(device, ASK_STEP[ask], name === undefined ? ask : `${ask} ${name}`, message.requestId);
        inner.ask(device, ask, message);
      },
      call(device, name, message) {
        received(device, 'invoke', `call ${name}`, message.requestId);
        inner.call(device, name, message);
      },
    }),
    devices: (inner) => ({
      reply(device, kind, message) {
        replied(device, kind, message as Record<string, unknown>);
        inner.reply(device, kind, message);
      },
      announce: (status) => inner.announce(status),
      share: (topic, payload) => inner.share(topic, payload),
      enforceAdmission: () => inner.enforceAdmission(),
    }),
    cloud: (inner) => ({
      validate: (name, request) =>
        roundTrip('cloud', 'stage I', `validateFunction ${name}`, request.requestId, () =>
          inner.validate(name, request),
        ),
      definition: (etag) =>
        roundTrip('cloud', 'stage II', 'getGroupDefinition', undefined, () => inner.definition(etag)),
      locate: (digest) =>
        roundTrip('cloud', 'stage II', 'locate package', undefined, () => inner.locate(digest)),
      download: (location) =>
        roundTrip('cloud', 'stage II', `download package (${location.size} bytes)`, undefined, () =>
          inner.download(location),
        ),
      device: (id) => roundTrip('cloud', 'join', 'look up device', undefined, () => inner.device(id)),
      invoke: (name, request, ms) =>
        roundTrip('cloud', 'invoke', `cloudRemoteExecution ${name}`, request.requestId, () =>
          inner.invoke(name, request, ms),
        ),
    }),
    upstream: (inner) => ({
      get connected() {
        return inner.connected;
      },
      sendUpdate(update) {
        const what = `definition update (${update.claims.length} claims, ${update.joins.length} joins)`;
        return roundTrip('cloud', 'stage II', what, update.requestId, () => inner.sendUpdate(update));
      },
      sendStatus: (status) => inner.sendStatus(status),
      hurry: () => inner.hurry?.(),
      on: inner.on.bind(inner) as Upstream['on'],
      close: () => inner.close(),
    }),
    local: (inner) => ({
      reconcile: (target, ...rest) => inner.reconcile(target, ...rest),
      undelivered: (error) => inner.undelivered(error),
      prefetch: (manifest, location) => inner.prefetch(manifest, location),
      list: () => inner.list(),
      get: (key) => inner.get(key),
      invoke: (key, call) =>
        roundTrip(key, 'invoke', 'runs here', call.requestId, () => inner.invoke(key, call)),
      on: (event, listener) => inner.on(event, listener),
      close: () => inner.close(),
    }),
  };
}

function stepOf(kind: Reply, message: Record<string, unknown>): FlowStep {
  const beforeTheOffer = message['present'] === true || message['stage'] === 'validating';
  return beforeTheOffer ? 'stage I' : REPLY_STEP[kind];
}

function describe(kind: Reply, message: Record<string, unknown>): string {
  if (kind === 'failed') return `failed ${(message['error'] as { code: string }).code}`;
  if (kind === 'progress') return `progress: ${String(message['stage'])}`;
  const { function: name, version } = message;
  if (typeof name !== 'string') return kind;
  return typeof version === 'string' ? `${kind} ${name}@${version}` : `${kind} ${name}`;
}
