import {
  EdgeError,
  isWithinTopicLimits,
  matchesTopicFilter,
  parseWith,
  requireInvokes,
  SHARED_TOPIC,
  sharedTopic,
  versionRangeSchema,
  type CloudInvokeRequest,
} from '../../protocol';
import type { Clock } from '../../lib/clock';
import type { AskHandler, CallOrigin } from '../definition/functions/edgeApi';
import type { InvokeAsk } from '../definition/functions/edgeApi';
import {
  CLOUD_TIMEOUT_MS,
  type Cloud,
  type Devices,
  type LocalFunction,
  type LocalFunctions,
} from '../ports';
import { runsSeam } from '../seams';
import type { ServingVersions } from './servingVersions';

export interface FunctionAsksDeps {
  devicePrefix: string;
  cloud: Pick<Cloud, 'invoke'>;
  local: Pick<LocalFunctions, 'invoke'>;
  versions: ServingVersions;
  devices: Pick<Devices, 'share'>;
  clock: Clock;
  newRequestId: () => string;
}

/** Functions between a device and the deepest call. */
const MAX_HOPS = 8;

/**
 * Answers functions that call back. A function has the rights that its own configuration lists, which
 * the operator decided with its version: those of the device that called are neither needed nor widened.
 */
export class FunctionAsks implements AskHandler {
  constructor(private readonly deps: FunctionAsksDeps) {}

  /** Throws BAD_REQUEST, NOT_PERMITTED. */
  publish({ functionName, publishes }: CallOrigin, relative: string, payload: string): void {
    const topic = sharedTopic(this.deps.devicePrefix, relative);
    if (!SHARED_TOPIC.test(relative) || !isWithinTopicLimits(topic)) {
      throw new EdgeError('BAD_REQUEST', 'not a topic that can be published to', {
        field: 'topic',
        expected: 'levels without "+" and "#", below the topics that devices share',
      });
    }
    if (!publishes.some((filter) => matchesTopicFilter(filter, relative))) {
      throw new EdgeError('NOT_PERMITTED', `${functionName} may not publish to ${relative}`, {
        details: { caller: functionName, topic: relative },
      });
    }
    this.deps.devices.share(topic, payload);
  }

  /** Throws BAD_REQUEST, NOT_PERMITTED, TOO_MANY_HOPS, FUNCTION_NOT_DEPLOYED, TIMED_OUT and the failures of the call. */
  async invoke(origin: CallOrigin, ask: InvokeAsk): Promise<unknown> {
    const { functionName, invokes, hops } = origin;
    if (ask.version !== undefined) parseWith(versionRangeSchema, ask.version, 'version');
    requireInvokes({ name: functionName, invokes: [...invokes] }, ask.function);
    if (hops >= MAX_HOPS) {
      throw new EdgeError('TOO_MANY_HOPS', undefined, {
        details: { function: ask.function, limit: MAX_HOPS },
      });
    }
    const until = this.deps.clock.now() + Math.min(ask.timeoutMs ?? Infinity, origin.remainingMs());
    if (ask.location === 'cloud') return this.inCloud(origin, ask, until);
    const mayGoElsewhere = ask.location === 'any';
    const here = await this.deps.versions.awaitRunning(
      origin.device,
      ask,
      until,
      ({ manifest: { locations } }) => !(mayGoElsewhere && locations.includes('cloud')),
    );
    if (here !== undefined) return this.onEdge(origin, ask, here, until);
    if (mayGoElsewhere) return this.inCloud(origin, ask, until);
    throw new EdgeError('FUNCTION_NOT_DEPLOYED', `${ask.function} does not run on this edge`, {
      details: { function: ask.function },
    });
  }

  private async onEdge(
    { device, hops }: CallOrigin,
    { input }: InvokeAsk,
    { key }: LocalFunction,
    until: number,
  ): Promise<unknown> {
    const call = { requestId: this.deps.newRequestId(), device, hops: hops + 1, event: input };
    const timeoutMs = this.leftUntil(until);
    const run = () => this.deps.local.invoke(key, { ...call, timeoutMs });
    const { output } = await runsSeam.tracePromise(run, { key, requestId: call.requestId });
    return output;
  }

  private async inCloud(
    { device, functionName, functionVersion }: CallOrigin,
    { function: name, version, input }: InvokeAsk,
    until: number,
  ): Promise<unknown> {
    const request: CloudInvokeRequest = {
      requestId: this.deps.newRequestId(),
      device,
      caller: `${functionName}@${functionVersion}`,
      input,
    };
    if (version !== undefined) request.version = version;
    const limit = Math.min(this.leftUntil(until), CLOUD_TIMEOUT_MS);
    return (await this.deps.cloud.invoke(name, request, limit)).output;
  }

  private leftUntil(until: number): number {
    const left = Math.floor(until - this.deps.clock.now());
    if (left > 0) return left;
    throw new EdgeError('TIMED_OUT', 'the call that asks has no time left');
  }
}
