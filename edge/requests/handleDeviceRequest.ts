import type { Logger } from 'pino';
import {
  claimedVersion,
  EdgeError,
  failedReply,
  matchesAnyDevicePattern,
  entitledPatterns,
  requireEntitled,
  satisfies,
  staticVersion,
  type Ask,
  type AskMessage,
  type GroupDefinition,
  type Platform,
} from '../../protocol';
import type { Cloud, Devices, LocalFunction, LocalFunctions, Upstream } from '../ports';
import type { Clock } from '../../lib/clock';
import { Deployments, readyReply, type DeploymentTiming } from './deployments';
import type { DefinitionUpdates } from '../claims/definitionUpdates';
import { Joins } from '../claims/joins';
import type { RememberedRequest, RequestFamily, RequestMemory } from './requestMemory';
import { Validation } from './validation';
import { chooseRunning } from './versionChoice';

/**
 * The edge system function `handleDeviceRequest`: the first step of every device request. Answers
 * from what runs here, or goes to the cloud (stages I and II of the paper). Every request is answered
 * in bounded time, with its request id, and a repeated id never runs twice.
 */
export interface HandleDeviceRequestDeps {
  /** Thing name of this core. */
  core: string;
  devicePrefix: string;
  platform: Platform;
  cloud: Cloud;
  upstream: Pick<Upstream, 'connected'>;
  local: LocalFunctions;
  devices: Devices;
  memory: RequestMemory;
  updates: DefinitionUpdates;
  clock: Clock;
  log: Logger;
  definition(): GroupDefinition;
  /** Certificate id with which a device is connected that the definition does not list yet. */
  certificateOf(device: string): string | undefined;
  newRequestId(): string;
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
    this.deployments = new Deployments({
      ...deps,
      claim: (device, name, version) => this.claim(device, name, version),
      claimInBackground: (device, name, version) => this.claimInBackground(device, name, version),
      withdraw: (device, name, claim) => this.withdraw(device, name, claim),
      claiming: (device, name) => this.deps.updates.claiming(device, name),
    });
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
    const definition = this.deps.definition();
    const running = chooseRunning(this.deps.local, definition, device, name, range);
    if (running !== undefined && isEntitled(definition, running, device)) {
      request.settle('ready', readyReply(this.deps, request, running.manifest, { present: true }));
      this.keepForDevice(device, running);
      return;
    }
    const starting = running === undefined ? this.findStarting(definition, device, name, range) : undefined;
    if (starting !== undefined) {
      const before = claimedVersion(definition, device, name);
      const claimed = this.keepForDevice(device, starting);
      return this.deployments.join(request, starting, { claimed, previousVersion: before });
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
    const released = () => request.settle('released', { requestId, function: name });
    const version = this.deps.updates.heldVersion(device, name);
    if (version === undefined) return released();
    this.deps.updates
      .submit({ type: 'claim', device, function: name, version, released: true })
      .then(released, (error: unknown) => request.fail(error));
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

  /** A version that others are waiting for already, and that this device may use. */
  private findStarting(
    definition: GroupDefinition,
    device: string,
    name: string,
    range: string | undefined,
  ): LocalFunction | undefined {
    return this.deps.local
      .list()
      .find(
        (local) =>
          local.manifest.name === name &&
          (local.state === 'fetching' || local.state === 'starting') &&
          definition.functions[local.key] !== undefined &&
          satisfies(local.manifest.version, range) &&
          isEntitled(definition, local, device),
      );
  }

  /**
   * A device that uses what is here already claims it too, so that it stays when others release it.
   * True when that took a claim.
   */
  private keepForDevice(device: string, { manifest: { name, version } }: LocalFunction): boolean {
    const claimed = this.deps.updates.claimedVersion(device, name);
    const kept = claimed ?? staticVersion(this.deps.definition(), name);
    if (kept === version) return false;
    this.claimInBackground(device, name, version);
    return true;
  }

  private claim(device: string, name: string, version: string): Promise<void> {
    this.joins.joinInBackground(device);
    return this.deps.updates.submit({ type: 'claim', device, function: name, version });
  }

  private claimInBackground(device: string, name: string, version: string): void {
    this.joins.joinInBackground(device);
    this.deps.updates.submitInBackground({ type: 'claim', device, function: name, version });
  }

  private withdraw(
    device: string,
    name: string,
    { version, previousVersion }: { version: string; previousVersion: string | undefined },
  ): void {
    const current = this.deps.updates.heldVersion(device, name);
    // A later claim of the device stands above the one that is taken back.
    if (current !== undefined && current !== version && current !== previousVersion) return;
    this.deps.updates.submitInBackground({
      type: 'claim',
      device,
      function: name,
      version: previousVersion ?? version,
      ...(previousVersion === undefined ? { released: true } : {}),
    });
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

function isEntitled(definition: GroupDefinition, { manifest }: LocalFunction, device: string): boolean {
  return matchesAnyDevicePattern(entitledPatterns(definition, manifest), device);
}
