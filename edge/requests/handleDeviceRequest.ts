import type { Logger } from 'pino';
import {
  EdgeError,
  failedReply,
  requireEntitled,
  type Ask,
  type AskMessage,
  type GroupDefinition,
  type Platform,
} from '../../protocol';
import type { Clock } from '../../lib/clock';
import type { Claims } from '../claims/claims';
import type { Cloud, Devices, LocalFunction, LocalFunctions } from '../ports';
import { Deployments, type DeploymentTiming } from './deployments';
import { Joins } from './joins';
import type { RememberedRequest, RequestFamily, RequestMemory } from './requestMemory';
import { isEntitled, type ServingVersions } from './servingVersions';
import { Validation } from './validation';

/**
 * The edge system function `handleDeviceRequest`: the first step of every device request. Answers
 * from what runs here, or goes to the cloud (stages I and II of the paper). Every request is answered
 * in bounded time, with its request id, and a repeated id is answered from the request memory.
 */
export interface HandleDeviceRequestDeps {
  /** Thing name of this core. */
  core: string;
  devicePrefix: string;
  platform: Platform;
  cloud: Cloud;
  local: LocalFunctions;
  devices: Devices;
  memory: RequestMemory;
  claims: Claims;
  versions: ServingVersions;
  clock: Clock;
  log: Logger;
  definition: () => GroupDefinition;
  newRequestId: () => string;
  timing?: Partial<DeploymentTiming>;
}

export type DeviceAsk = Exclude<Ask, 'invoke'>;

export class HandleDeviceRequest {
  private readonly validation: Validation;
  private readonly deployments: Deployments;
  private readonly joins: Joins;
  private readonly handlers: { [K in DeviceAsk]: (device: string, message: AskMessage<K>) => void } = {
    join: (device, message) => this.join(device, message),
    request: (device, message) => this.request(device, message),
    confirm: (device, message) => this.confirm(device, message),
    release: (device, message) => this.release(device, message),
    prefetch: (device, message) => this.prefetch(device, message),
  };

  constructor(private readonly deps: HandleDeviceRequestDeps) {
    this.validation = new Validation(deps);
    this.joins = new Joins(deps);
    this.deployments = new Deployments(deps);
  }

  /** One checked message of `device`, whose name the broker has tied to its certificate. */
  handle<K extends DeviceAsk>(device: string, ask: K, message: AskMessage<K>): void {
    const { requestId } = message;
    try {
      this.handlers[ask](device, message);
    } catch (error) {
      this.deps.devices.reply(device, 'failed', failedReply(requestId, error));
    }
  }

  /** edgeCoreMonitor has put a definition into force. */
  applied(definition: GroupDefinition): void {
    this.joins.applied();
    this.deployments.applied(definition);
  }

  /** Every step towards this definition is done or has failed. */
  reconciled(definition: GroupDefinition): void {
    this.deployments.reconciled(definition);
  }

  /** Tells every waiting device that the edge stops. */
  close(): void {
    this.joins.close();
    this.deployments.close();
  }

  private join(device: string, message: AskMessage<'join'>): void {
    const request = this.begin('join', device, message.requestId);
    if (request !== undefined) this.joins.join(request);
  }

  private request(device: string, message: AskMessage<'request'>): void {
    const { function: name, version: range, requestId } = message;
    const request = this.begin('deploy', device, requestId);
    if (request === undefined) return;
    const wanted = { function: name, version: range };
    const definition = this.deps.definition();
    const running = this.deps.versions.running(device, wanted);
    if (running !== undefined && isEntitled(definition, running, device)) {
      this.deployments.join(request, running);
      return;
    }
    // A version that others are waiting for already, and that this device may use.
    const isShared = (coming: LocalFunction) =>
      definition.functions[coming.key] !== undefined && isEntitled(definition, coming, device);
    const starting = running === undefined ? this.deps.versions.coming(wanted, isShared) : undefined;
    if (starting !== undefined) {
      this.deployments.join(request, starting);
      return;
    }
    this.validateAndOffer(request, name, range, running).catch((error: unknown) => request.fail(error));
  }

  private confirm(device: string, { requestId }: AskMessage<'confirm'>): void {
    const request = this.deps.memory.find('deploy', device, requestId);
    if (request === undefined) throw new EdgeError('NOT_OFFERED');
    this.deployments.confirm(request);
  }

  private release(device: string, message: AskMessage<'release'>): void {
    const { function: name, requestId } = message;
    const request = this.begin('release', device, requestId);
    if (request === undefined) return;
    this.deployments.released(device, name);
    this.deps.claims.release(device, name).then(
      () => request.settle('released', { requestId, function: name }),
      (error: unknown) => request.fail(error),
    );
  }

  private prefetch(device: string, message: AskMessage<'prefetch'>): void {
    const request = this.begin('prefetch', device, message.requestId);
    if (request === undefined) return;
    this.prefetchPackage(request, message).catch((error: unknown) => request.fail(error));
  }

  private async prefetchPackage(
    request: RememberedRequest,
    { function: name, version: range }: AskMessage<'prefetch'>,
  ): Promise<void> {
    const { manifest, package: location } = await this.validation.validate(request.device, name, range);
    await this.deps.local.prefetch(manifest, location ?? (await this.deps.cloud.locate(manifest.digest)));
    const { requestId } = request;
    const { version, size } = manifest;
    request.settle('prefetched', { requestId, function: name, version, size });
  }

  private async validateAndOffer(
    request: RememberedRequest,
    name: string,
    range: string | undefined,
    running: LocalFunction | undefined,
  ): Promise<void> {
    request.update('progress', { requestId: request.requestId, function: name, stage: 'validating' });
    const answer = await this.validation.validate(request.device, name, range).catch((error: unknown) => {
      // It runs here for others only: without the cloud, that is what this edge knows for certain.
      const unreachable = error instanceof EdgeError && error.code === 'CLOUD_UNREACHABLE';
      if (unreachable && running !== undefined) {
        requireEntitled(this.deps.definition(), running.manifest, request.device);
      }
      throw error;
    });
    this.deployments.offer(request, answer);
    const { manifest, package: location } = answer;
    if (location === undefined) return;
    // While the device decides; a failure shows in stage II, where the package is fetched again.
    this.deps.local
      .prefetch(manifest, location)
      .catch((err: unknown) => this.deps.log.info({ err, function: name }, 'package not fetched ahead'));
  }

  /** Undefined when the id is a repeat; the latest answer was sent again then. Throws QUEUE_FULL. */
  private begin(family: RequestFamily, device: string, requestId: string): RememberedRequest | undefined {
    const known = this.deps.memory.find(family, device, requestId);
    if (known === undefined) return this.deps.memory.begin(family, device, requestId);
    if (family === 'deploy') this.deployments.repeat(known);
    else known.repeat();
    return undefined;
  }
}
