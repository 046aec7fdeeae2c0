import {
  EdgeError,
  failedReply,
  matchesAnyDevicePattern,
  MAX_MQTT_PAYLOAD,
  requireEntitled,
  type AskMessage,
  type CallMessage,
  type CloudInvokeRequest,
  type GroupDefinition,
  type Location,
  type ReplyMessage,
} from '../../protocol';
import type { Clock } from '../../lib/clock';
import { withinTime } from '../../lib/timeLimit';
import {
  CLOUD_TIMEOUT_MS,
  type Cloud,
  type Devices,
  type LocalFunction,
  type LocalFunctions,
} from '../ports';
import { runsSeam } from '../seams';
import type { RememberedRequest, RequestMemory } from './requestMemory';
import type { ServingVersions, WantedVersion } from './servingVersions';

/**
 * The edge system function `edgeRemoteExecution`: proxy for synchronous calls, here or in the cloud,
 * and for asynchronous calls here. Checks for every call that the device may use the function, also
 * when it is here for others already.
 */
export interface EdgeRemoteExecutionDeps {
  cloud: Pick<Cloud, 'invoke'>;
  local: Pick<LocalFunctions, 'invoke'>;
  versions: ServingVersions;
  devices: Devices;
  memory: RequestMemory;
  clock: Clock;
  definition: () => GroupDefinition;
}

/** The function host ends a call at its timeout; the rest is for its answer to come back. */
const ANSWER_GRACE_MS = 250;
/** How long a call without a timeout of its own waits for its function to start. */
const ARRIVAL_MS = 30_000;

type Invocation = AskMessage<'invoke'>;
type Result = Omit<ReplyMessage<'result'>, 'requestId'>;

export class EdgeRemoteExecution {
  constructor(private readonly deps: EdgeRemoteExecutionDeps) {}

  /** Synchronous: replies `result`, or `failed` with the reason. */
  invoke(device: string, message: Invocation): void {
    this.once('invoke', device, message.requestId, async (request) => {
      const result = await this.execute(device, message);
      const reply = { requestId: message.requestId, ...result };
      request.settle('result', reply, requireSendable(reply));
    });
  }

  /** Asynchronous: the result is discarded; only a failure comes back, as `failed`. */
  call(device: string, functionName: string, message: CallMessage): void {
    this.once('call', device, message.requestId, async (request) => {
      const wanted = { function: functionName, ...message };
      const local = this.findHere(device, wanted);
      if (local !== undefined) await this.executeHere(device, local, message);
      else await this.executeOnArrival(device, wanted);
      request.close();
    });
  }

  /** A repeated id gets the answer from memory; while it is still at work, the one that is coming. */
  private once(
    family: 'invoke' | 'call',
    device: string,
    requestId: string,
    run: (request: RememberedRequest) => Promise<void>,
  ): void {
    const { memory, devices } = this.deps;
    const known = memory.find(family, device, requestId);
    if (known !== undefined) {
      known.repeat();
      return;
    }
    try {
      const request = memory.begin(family, device, requestId);
      run(request).catch((error: unknown) => request.fail(error));
    } catch (error) {
      devices.reply(device, 'failed', failedReply(requestId, error));
    }
  }

  private async execute(device: string, message: Invocation): Promise<Result> {
    const { location } = message;
    if (location === 'cloud') return this.executeInCloud(device, message);
    const local = this.findHere(device, message);
    if (local !== undefined) return this.executeHere(device, local, message);
    if (location === 'any') {
      const coming = this.deps.versions.coming(message);
      if (coming !== undefined) this.requireEntitled(coming, device);
      if (coming === undefined || coming.manifest.locations.includes('cloud')) {
        return this.executeInCloud(device, message);
      }
    }
    return this.executeOnArrival(device, message);
  }

  /** Throws FUNCTION_NOT_DEPLOYED unless it is about to run here, NOT_ENTITLED, TIMED_OUT. */
  private async executeOnArrival(
    device: string,
    message: WantedVersion & { requestId: string; input?: unknown; timeoutMs?: number | undefined },
  ): Promise<Result> {
    const { clock, versions } = this.deps;
    const { timeoutMs } = message;
    const until = clock.now() + (timeoutMs ?? ARRIVAL_MS);
    const arrived = await versions.awaitRunning(device, message, until, (coming) => {
      this.requireEntitled(coming, device);
      return true;
    });
    if (arrived === undefined) throw notDeployed(message);
    this.requireEntitled(arrived, device);
    const rest = timeoutMs === undefined ? {} : { timeoutMs: Math.max(1, until - clock.now()) };
    return this.executeHere(device, arrived, { ...message, ...rest });
  }

  /** Throws NOT_ENTITLED. */
  private findHere(device: string, wanted: WantedVersion): LocalFunction | undefined {
    const local = this.deps.versions.running(device, wanted);
    if (local !== undefined) this.requireEntitled(local, device);
    return local;
  }

  private requireEntitled({ manifest }: LocalFunction, device: string): void {
    requireEntitled(this.deps.definition(), manifest, device);
  }

  private async executeHere(
    device: string,
    { key, manifest: { name, version } }: LocalFunction,
    message: { requestId: string; input?: unknown; timeoutMs?: number | undefined },
  ): Promise<Result> {
    const { requestId, input, timeoutMs } = message;
    const call = { requestId, device, event: input, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const running = runsSeam.tracePromise(() => this.deps.local.invoke(key, call), { key, requestId });
    const { output, durationMs } = await this.within(timeoutMs, running);
    return {
      function: name,
      version,
      location: 'edge' satisfies Location,
      output: output ?? null,
      durationMs,
    };
  }

  private async executeInCloud(device: string, message: Invocation): Promise<Result> {
    const { requestId, function: name, version: wanted, input, timeoutMs } = message;
    // The group's own patterns hold for every version; without them the cloud knows the manifest's.
    const patterns = this.deps.definition().entitlements[name]?.devices;
    if (patterns !== undefined && !matchesAnyDevicePattern(patterns, device)) {
      throw new EdgeError('NOT_ENTITLED', `${device} may not use ${name}`, {
        details: { device, function: name },
      });
    }
    const request: CloudInvokeRequest = { requestId, device, input };
    if (wanted !== undefined) request.version = wanted;
    const limit = Math.min(timeoutMs ?? CLOUD_TIMEOUT_MS, CLOUD_TIMEOUT_MS);
    const answer = await this.within(limit, this.deps.cloud.invoke(name, request, limit));
    const { version, output, durationMs } = answer;
    return { function: name, version, location: 'cloud', output: output ?? null, durationMs };
  }

  /** Throws TIMED_OUT when the answer is not there in time. */
  private within<T>(ms: number | undefined, answer: Promise<T>): Promise<T> {
    if (ms === undefined) return answer;
    return withinTime(this.deps.clock, ms + ANSWER_GRACE_MS, answer, () => {
      throw new EdgeError('TIMED_OUT');
    });
  }
}

function notDeployed({ function: name, version }: WantedVersion): EdgeError {
  const wanted = version === undefined ? name : `${name}@${version}`;
  return new EdgeError('FUNCTION_NOT_DEPLOYED', `${wanted} does not run on this edge`, {
    details: { function: name, ...(version === undefined ? {} : { version }) },
  });
}

/**
 * Bytes of the reply as JSON. Throws RESULT_TOO_LARGE when what the function returned is over the limit;
 * the envelope does not count, as nobody who writes a function knows how long it is.
 */
function requireSendable(reply: ReplyMessage<'result'>): number {
  const text = JSON.stringify(reply);
  // A UTF-16 unit is at most three bytes of UTF-8: most results need no second count.
  if (text.length * 3 <= MAX_MQTT_PAYLOAD) return text.length;
  const bytes = Buffer.byteLength(JSON.stringify(reply.output));
  if (bytes <= MAX_MQTT_PAYLOAD) return Buffer.byteLength(text);
  throw new EdgeError('RESULT_TOO_LARGE', undefined, { details: { bytes, limit: MAX_MQTT_PAYLOAD } });
}
