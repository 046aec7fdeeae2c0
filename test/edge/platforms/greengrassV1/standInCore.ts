import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import {
  startEdgeCoreMonitor,
  type V1Monitor,
} from '../../../../edge/platforms/greengrassV1/edgeCoreMonitor';
import { createRemoteExecutionHandler } from '../../../../edge/platforms/greengrassV1/edgeRemoteExecution';
import { readEnvironment } from '../../../../edge/platforms/greengrassV1/environment';
import { createDeviceRequestHandler } from '../../../../edge/platforms/greengrassV1/handleDeviceRequest';
import type { V1LambdaContext } from '../../../../edge/platforms/greengrassV1/messages';
import type { CoreSdk } from '../../../../edge/platforms/greengrassV1/sdk';
import { coreTopic, wantedFunctions, type CoreUpdate, type FunctionManifest } from '../../../../protocol';
import { functionFingerprint } from '../../../../protocol/greengrassV1';
import type { Clock } from '../../../../lib/clock';
import { settle } from '../../support/manualClock';
import type { MemoryCloud } from '../../support/memoryCloud';
import { CORE, GROUP, manifestOf } from '../../support/memoryCloud';

const CORE_PREFIX = 'edge/shop-dev';
const LAMBDA = 'arn:aws:lambda:eu-central-1:000000000000:function:';
const MONITOR = `${LAMBDA}shop-dev-edgeCoreMonitor:1`;

export interface Published {
  topic: string;
  message: Record<string, unknown>;
}

/** What a Lambda function of the user does on the core; what it throws is a FunctionError. */
export type Behaviour = (event: unknown) => unknown;

/** `<name>@<version>` as a version of a Lambda function. */
export function deployable(name: string, version: string, more: object = {}): FunctionManifest {
  return manifestOf(name, version, {
    cloud: { functionArn: LAMBDA + name, qualifier: version.replaceAll('.', '-') },
    ...more,
  });
}

/**
 * A Greengrass V1 core for the three edge system functions: it stands in for the two calls of the core SDK,
 * routes messages as the group's subscriptions do, and restarts everything with a deployment.
 */
export class StandInCore {
  readonly published: Published[] = [];
  /** ARNs of functions of the user that were invoked, with what they got. */
  readonly invoked: { arn: string; event: unknown }[] = [];
  readonly behaviours = new Map<string, Behaviour>();
  /** The core fails every invocation with this. */
  failingInvoke: Error | undefined;
  private readonly waiting = new Set<{ check(published: Published): boolean; resolve(): void }>();
  private clock = new ProcessClock();
  private monitor: V1Monitor | undefined;
  private deviceRequest = async (_event: unknown, _context: V1LambdaContext): Promise<void> => undefined;
  private remoteExecution = async (_event: unknown, _context: V1LambdaContext): Promise<void> => undefined;

  private constructor(
    readonly cloud: MemoryCloud,
    private readonly stateDir: string,
  ) {
    cloud.upstream.on('accepted', (message) => this.fromCloud('accepted', message));
    cloud.upstream.on('refused', (message) => this.fromCloud('refused', message));
    cloud.upstream.on('revision', (message) => this.fromCloud('revision', message));
  }

  static async start(cloud: MemoryCloud): Promise<StandInCore> {
    const core = new StandInCore(cloud, await mkdtemp(join(tmpdir(), 'v1-core-')));
    await core.deploy();
    return core;
  }

  /** A deployment of what the cloud's definition wants: the core ends all functions and starts them anew. */
  async deploy(): Promise<void> {
    this.monitor = undefined;
    this.clock.end();
    this.clock = new ProcessClock();
    const deployed = wantedFunctions(this.cloud.definition).map(({ key }) => functionFingerprint(key));
    const parts = {
      environment: readEnvironment({
        EDGE_GROUP: GROUP,
        EDGE_CORE: CORE,
        EDGE_DEVICE_PREFIX: 'edge',
        EDGE_CORE_PREFIX: CORE_PREFIX,
        EDGE_HTTP_URL: 'https://api.example',
        EDGE_STATE_DIR: this.stateDir,
        EDGE_DEPLOYED: deployed.join(','),
        EDGE_CORE_MONITOR_ARN: MONITOR,
        AWS_REGION: 'eu-central-1',
      }),
      sdk: this.sdk(),
      cloud: this.cloud.http,
      clock: this.clock,
      log: pino({ level: 'silent' }),
      random: () => 0.5,
    };
    this.deviceRequest = createDeviceRequestHandler(parts);
    this.remoteExecution = createRemoteExecutionHandler(parts);
    this.monitor = await startEdgeCoreMonitor(parts);
    await settle();
  }

  /** Resolves when a message for which `check` holds was published, at once if it was already. */
  async when(check: (published: Published) => boolean): Promise<void> {
    if (this.published.some(check)) return;
    await new Promise<void>((resolve) => this.waiting.add({ check, resolve }));
    await settle();
  }

  /** A message of a device, as the group's subscriptions route it; `message` may be no JSON. */
  async send(topic: string, message: object | string): Promise<void> {
    const event = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
    const isCall = topic.endsWith('/ask/invoke') || topic.includes('/call/');
    const handler = isCall ? this.remoteExecution : this.deviceRequest;
    await handler(event, { clientContext: { Custom: { subject: topic } } });
    await settle();
  }

  /** What a device heard, newest last: the kind of the reply and the message. */
  heard(device: string): [kind: string, message: Record<string, unknown>][] {
    const prefix = `edge/${device}/reply/`;
    return this.published
      .filter(({ topic }) => topic.startsWith(prefix))
      .map(({ topic, message }) => [topic.slice(prefix.length), message]);
  }

  async close(): Promise<void> {
    await this.monitor?.close();
    this.clock.end();
    await rm(this.stateDir, { recursive: true, force: true, maxRetries: 5 });
  }

  private fromCloud(kind: 'accepted' | 'refused' | 'revision', message: object): void {
    const context = { clientContext: { Custom: { subject: coreTopic(CORE_PREFIX, CORE, kind) } } };
    void this.monitor?.handle(Buffer.from(JSON.stringify(message)), context);
  }

  private sdk(): CoreSdk {
    return {
      iotData: {
        publish: ({ topic, payload }, done) => {
          const message = JSON.parse(payload) as Record<string, unknown>;
          this.note({ topic, message });
          if (topic === coreTopic(CORE_PREFIX, CORE, 'update')) {
            void this.cloud.upstream.sendUpdate(message as unknown as CoreUpdate);
          }
          done(null, {});
        },
      },
      lambda: {
        invoke: ({ FunctionName, InvocationType, Payload }, done) => {
          if (this.failingInvoke !== undefined) {
            done(this.failingInvoke, null);
            return;
          }
          const event = JSON.parse(Payload) as unknown;
          if (InvocationType === 'Event') {
            void this.monitor?.handle(Buffer.from(Payload), {});
            done(null, 'invocation-id');
            return;
          }
          this.invoked.push({ arn: FunctionName, event });
          done(null, this.run(FunctionName, event));
        },
      },
    };
  }

  private note(published: Published): void {
    this.published.push(published);
    for (const one of this.waiting) {
      if (!one.check(published)) continue;
      this.waiting.delete(one);
      one.resolve();
    }
  }

  private run(arn: string, event: unknown): { Payload: string; FunctionError?: string; StatusCode: number } {
    try {
      const output = this.behaviours.get(arn)?.(event);
      return { StatusCode: 200, Payload: JSON.stringify(output ?? null) };
    } catch (error) {
      const { name, message } = error as Error;
      const Payload = JSON.stringify({ errorType: name, errorMessage: message });
      return { StatusCode: 200, FunctionError: 'Unhandled', Payload };
    }
  }
}

/** Real time for one life of the core's processes: with them, their timers end. */
class ProcessClock implements Clock {
  private readonly timers = new Set<NodeJS.Timeout>();
  private ended = false;

  now(): number {
    return Date.now();
  }

  setTimeout(callback: () => void, ms: number): { cancel(): void } {
    if (this.ended) return { cancel: () => undefined };
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      callback();
    }, ms);
    this.timers.add(timer);
    return { cancel: () => clearTimeout(timer) };
  }

  end(): void {
    this.ended = true;
    for (const timer of this.timers) clearTimeout(timer);
  }
}
