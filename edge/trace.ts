import { subscribe, type Channel, type TracingChannel } from 'node:diagnostics_channel';
import { preciseNow, type Ask, type Exchange, type FlowStep, type Reply } from '../protocol';
import {
  cloudSeam,
  messagesSeam,
  repliesSeam,
  runsSeam,
  updatesSeam,
  type CloudCall,
  type DeviceReply,
} from './seams';

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

const CLOUD_STEP: Record<CloudCall['operation'], [step: FlowStep, what: (call: CloudCall) => string]> = {
  validate: ['stage I', ({ functionName }) => `validateFunction ${functionName ?? ''}`],
  definition: ['stage II', () => 'getGroupDefinition'],
  locate: ['stage II', () => 'locate package'],
  download: ['stage II', ({ size }) => `download package (${size ?? 0} bytes)`],
  device: ['join', () => 'look up device'],
  invoke: ['invoke', ({ functionName }) => `cloudRemoteExecution ${functionName ?? ''}`],
};

/** Asks that still wait for their last answer; more than this and the oldest lose their duration. */
const MAX_OPEN = 1_024;

/** From here on, what passes the seams of this process's core goes to `emit`, as the lines of a timeline. */
export function traceExchanges(core: string, emit: (exchange: Exchange) => void): void {
  const askedAt = new Map<string, number>();

  watch(messagesSeam, (passed) => {
    const { device, message } = passed;
    const { requestId } = message;
    const at = preciseNow();
    askedAt.set(`${device} ${requestId}`, at);
    if (askedAt.size > MAX_OPEN) askedAt.delete(askedAt.keys().next().value as string);
    const [what, step] =
      'ask' in passed
        ? [describeAsk(passed.ask, message), ASK_STEP[passed.ask]]
        : [`call ${passed.functionName}`, 'invoke' as const];
    emit({ at, from: device, to: core, what, step, requestId });
  });
  watch(repliesSeam, (reply) => {
    const { device, kind, message } = reply;
    const { requestId } = message as ReplyFields;
    const at = preciseNow();
    const exchange: Exchange = {
      at,
      from: core,
      to: device,
      what: describeReply(reply),
      step: stepOf(reply),
    };
    if (requestId !== undefined) exchange.requestId = requestId;
    const since = askedAt.get(`${device} ${String(requestId)}`);
    if (since !== undefined) exchange.ms = at - since;
    emit({ ...exchange, ok: kind !== 'failed' });
  });
  const roundTrip = (span: Span) => emit({ from: core, ...span });
  traceSpans(cloudSeam, roundTrip, (call) => {
    const [step, what] = CLOUD_STEP[call.operation];
    return { to: 'cloud', what: what(call), step, requestId: call.requestId };
  });
  traceSpans(updatesSeam, roundTrip, ({ update: { requestId, claims, joins } }) => {
    const what = `definition update (${claims.length} claims, ${joins.length} joins)`;
    return { to: 'cloud', what, step: 'stage II', requestId };
  });
  traceSpans(runsSeam, roundTrip, ({ key, requestId }) => {
    return { to: key, what: 'runs here', step: 'invoke', requestId };
  });
}

type Span = Omit<Exchange, 'from'>;
type SpanOf<T> = (passed: T) => Pick<Span, 'to' | 'what' | 'step'> & { requestId: string | undefined };

/** A span is told when it ends, whatever else passes meanwhile. */
function traceSpans<T extends object>(
  seam: TracingChannel<unknown, T>,
  emit: (span: Span) => void,
  spanOf: SpanOf<T>,
): void {
  const startedAt = new WeakMap<object, number>();
  watch(seam.start, (passed) => void startedAt.set(passed, preciseNow()));
  watch(seam.asyncEnd, (passed) => {
    const now = preciseNow();
    const at = startedAt.get(passed) ?? now;
    const { requestId, ...span } = spanOf(passed);
    const ended = { at, ...span, ms: now - at, ok: !('error' in passed) };
    emit(requestId === undefined ? ended : { ...ended, requestId });
  });
}

function watch<T>(seam: Channel<unknown, T>, listener: (passed: T) => void): void {
  subscribe(seam.name, (passed) => listener(passed as T));
}

/** What replies of one kind or another have. */
interface ReplyFields {
  requestId?: string;
  function?: string;
  version?: string;
  present?: boolean;
  stage?: string;
  error?: { code: string };
}

function stepOf({ kind, message }: DeviceReply): FlowStep {
  const { present, stage } = message as ReplyFields;
  return present === true || stage === 'validating' ? 'stage I' : REPLY_STEP[kind];
}

function describeAsk(ask: Ask, message: object): string {
  const { function: name } = message as { function?: string };
  return name === undefined ? ask : `${ask} ${name}`;
}

function describeReply({ kind, message }: DeviceReply): string {
  const { function: name, version, stage, error } = message as ReplyFields;
  if (kind === 'failed') return `failed ${error?.code ?? ''}`;
  if (kind === 'progress') return `progress: ${stage ?? ''}`;
  if (name === undefined) return kind;
  return version === undefined ? `${kind} ${name}` : `${kind} ${name}@${version}`;
}
