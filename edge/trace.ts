import { subscribe, type Channel, type TracingChannel } from 'node:diagnostics_channel';
import {
  EdgeError,
  preciseNow,
  splitFunctionKey,
  type Ask,
  type Exchange,
  type ExchangeError,
  type FlowStep,
  type Reply,
} from '../protocol';
import {
  cloudSeam,
  messagesSeam,
  repliesSeam,
  runsSeam,
  updatesSeam,
  type CloudCall,
  type DeviceMessage,
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

/** Asks that still wait for their last answer; more than this and the oldest lose what is known of them. */
const MAX_OPEN = 1_024;

/** From here on, what passes the seams of this process's core goes to `emit`, as the lines of a timeline. */
export function traceExchanges(core: string, emit: (exchange: Exchange) => void): void {
  const asked = new Map<string, { at: number; function: string | undefined }>();

  watch(messagesSeam, (passed) => {
    const { device, message } = passed;
    const { requestId } = message;
    const at = preciseNow();
    const open = `${device} ${requestId}`;
    // A confirm names no function: the request before it did.
    const name = functionOf(passed) ?? asked.get(open)?.function;
    asked.set(open, { at, function: name });
    if (asked.size > MAX_OPEN) asked.delete(asked.keys().next().value as string);
    const [what, step] =
      'ask' in passed
        ? [describe(passed.ask, name), ASK_STEP[passed.ask]]
        : [describe('call', name), 'invoke' as const];
    emit(complete({ at, from: device, to: core, what, step, requestId, function: name }));
  });
  watch(repliesSeam, (reply) => {
    const { device, kind, message } = reply;
    const { requestId, function: named, error } = message as ReplyFields;
    const at = preciseNow();
    const since = asked.get(`${device} ${String(requestId)}`);
    emit(
      complete({
        ...{ at, from: core, to: device, what: describeReply(reply), step: stepOf(reply), requestId },
        ms: since === undefined ? undefined : at - since.at,
        ok: kind !== 'failed',
        function: named ?? since?.function,
        error: error && { code: error.code, message: error.message },
      }),
    );
  });
  const roundTrip = (span: Span) => emit(complete({ from: core, ...span }));
  traceSpans(cloudSeam, roundTrip, (call) => {
    const [step, what] = CLOUD_STEP[call.operation];
    const { requestId, functionName } = call;
    return { to: 'cloud', what: what(call), step, requestId, function: functionName };
  });
  traceSpans(updatesSeam, roundTrip, ({ update: { requestId, claims, joins } }) => {
    const what = `definition update (${claims.length} claims, ${joins.length} joins)`;
    const names = new Set(claims.map((claim) => claim.function));
    const name = names.size === 1 ? [...names][0] : undefined;
    return { to: 'cloud', what, step: 'stage II', requestId, function: name };
  });
  traceSpans(runsSeam, roundTrip, ({ key, requestId }) => {
    const { name } = splitFunctionKey(key);
    return { to: key, what: 'runs here', step: 'invoke', requestId, function: name };
  });
}

/** An exchange of which some fields may be unknown. */
type Told<T> = { [Key in keyof T]: T[Key] | undefined };
type Span = Told<Omit<Exchange, 'from'>> & Pick<Exchange, 'at' | 'to' | 'what' | 'step'>;
type SpanOf<T> = (
  passed: T,
) => Pick<Exchange, 'to' | 'what' | 'step'> & Told<Pick<Exchange, 'requestId' | 'function'>>;

/** Without the fields of which nothing is known. */
function complete(told: Span & Pick<Exchange, 'from'>): Exchange {
  return Object.fromEntries(
    Object.entries(told).filter(([, value]) => value !== undefined),
  ) as unknown as Exchange;
}

/** A span is told when it ends, whatever else passes meanwhile. */
function traceSpans<T extends object>(
  seam: TracingChannel<unknown, T>,
  emit: (span: Span) => void,
  spanOf: SpanOf<T>,
): void {
  const startedAt = new WeakMap<object, number>();
  watch(seam.start, (passed) => void startedAt.set(passed, preciseNow()));
  watch(seam.asyncEnd, (passed) => {
    const at = preciseNow();
    const error = 'error' in passed ? errorOf(passed.error) : undefined;
    emit({ at, ...spanOf(passed), ms: at - (startedAt.get(passed) ?? at), ok: !('error' in passed), error });
  });
}

function errorOf(thrown: unknown): ExchangeError {
  const { code, message, details } = EdgeError.from(thrown);
  const trace = details?.['trace'];
  return { code, message, ...(Array.isArray(trace) && { trace: trace.map(String) }) };
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
  error?: { code: string; message: string };
}

function stepOf({ kind, message }: DeviceReply): FlowStep {
  const { present, stage } = message as ReplyFields;
  return present === true || stage === 'validating' ? 'stage I' : REPLY_STEP[kind];
}

function functionOf(passed: DeviceMessage): string | undefined {
  return 'ask' in passed ? (passed.message as { function?: string }).function : passed.functionName;
}

function describe(what: string, functionName: string | undefined): string {
  return functionName === undefined ? what : `${what} ${functionName}`;
}

function describeReply({ kind, message }: DeviceReply): string {
  const { function: name, version, stage } = message as ReplyFields;
  if (kind === 'failed') return 'failed';
  if (kind === 'progress') return `progress: ${stage ?? ''}`;
  return describe(kind, version === undefined ? name : `${name}@${version}`);
}
