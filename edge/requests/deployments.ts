import {
  callTopic,
  claimedVersion,
  EdgeError,
  functionKey,
  isRolledBack,
  PROGRESS_STAGES,
  type FunctionManifest,
  type GroupDefinition,
  type ReplyMessage,
  type ValidateResponse,
} from '../../protocol';
import type { Clock, Timer } from '../../lib/clock';
import { MultiMap } from '../../lib/multiMap';
import type { Claims } from '../claims/claims';
import { Unanswered, type Sending } from '../claims/updateSender';
import type { LocalFunction, LocalFunctions } from '../ports';
import type { RememberedRequest } from './requestMemory';
import { isEntitled } from './servingVersions';

export interface DeploymentsDeps {
  devicePrefix: string;
  clock: Clock;
  local: LocalFunctions;
  claims: Claims;
  definition: () => GroupDefinition;
  timing?: Partial<DeploymentTiming>;
}

export interface DeploymentTiming {
  /** An offer lapses after this long without a confirm. */
  offerMs: number;
  /** From the confirm to `ready`. */
  deadlineMs: number;
}

const DEFAULT_TIMING: DeploymentTiming = { offerMs: 60_000, deadlineMs: 60_000 };

type Stage = ReplyMessage<'progress'>['stage'];
const STAGES: readonly Stage[] = PROGRESS_STAGES;

interface Deployment {
  request: RememberedRequest;
  manifest: FunctionManifest;
  key: string;
  state: 'offered' | 'lapsed' | 'waiting' | 'over';
  available?: ReplyMessage<'available'>;
  /** It ran here for others, or in the operator's name, when the device asked. */
  present: boolean;
  /** The claim that this deployment made, which a failure takes back. */
  claim?: Sending;
  /** The claim is on this disk or in the cloud; so is one that this deployment need not make. */
  stored: boolean;
  /** What the device claimed before. */
  previousVersion?: string | undefined;
  stage?: Stage;
  timer?: Timer;
}

/** Offers to devices, and the devices that wait for a function to run here. */
export class Deployments {
  private readonly byRequest = new WeakMap<RememberedRequest, Deployment>();
  /** By key of the function. */
  private readonly waiting = new MultiMap<string, Deployment>();
  private readonly timing: DeploymentTiming;

  constructor(private readonly deps: DeploymentsDeps) {
    this.timing = { ...DEFAULT_TIMING, ...deps.timing };
    deps.local.on('changed', (changed) => this.localChanged(changed));
  }

  offer(request: RememberedRequest, { manifest }: ValidateResponse): void {
    const { name, version, digest, size, locations } = manifest;
    const deployment: Deployment = {
      request,
      manifest,
      key: functionKey(name, version),
      state: 'offered',
      present: false,
      stored: false,
      available: {
        requestId: request.requestId,
        function: name,
        version,
        digest,
        size,
        locations,
        expiresInMs: this.timing.offerMs,
      },
    };
    this.byRequest.set(request, deployment);
    this.open(deployment);
  }

  /** A repeated request: an offer that lapsed is made again, from memory; else the latest answer. */
  repeat(request: RememberedRequest): void {
    const deployment = this.byRequest.get(request);
    if (deployment?.state !== 'lapsed') {
      request.repeat();
      return;
    }
    request.reopen();
    this.open(deployment);
  }

  /** Throws NOT_OFFERED when there is no open offer. A repeated confirm gets the latest answer. */
  confirm(request: RememberedRequest): void {
    const deployment = this.byRequest.get(request);
    if (deployment?.state === 'lapsed') throw new EdgeError('NOT_OFFERED', 'the offer has lapsed');
    if (deployment?.state !== 'offered') {
      request.repeat();
      return;
    }
    this.wait(deployment, 'confirmed', this.deps.claims.claim(request.device, deployment.manifest));
  }

  /** The function runs here or is about to, and the device may use it: no offer is needed. */
  join(request: RememberedRequest, { manifest, key, state: local }: LocalFunction): void {
    const present = local === 'running';
    const deployment: Deployment = { request, manifest, key, state: 'waiting', present, stored: false };
    this.byRequest.set(request, deployment);
    const claim = this.deps.claims.keep(request.device, manifest);
    this.wait(deployment, present ? undefined : local === 'starting' ? 'starting' : 'fetching', claim);
  }

  /** The device gave the function up: whoever waited for it is told. */
  released(device: string, functionName: string): void {
    for (const deployment of this.waiting.all()) {
      if (deployment.request.device !== device || deployment.manifest.name !== functionName) continue;
      this.finish(deployment, () =>
        deployment.request.fail(new EdgeError('ABORTED', 'the device released the function')),
      );
    }
  }

  /** A new definition is in force. */
  applied(definition: GroupDefinition): void {
    for (const deployment of this.waiting.all()) {
      if (this.finishIfReady(deployment)) continue;
      if (this.isRolledBack(deployment, definition))
        this.failed(deployment, reasonOf(definition, deployment));
      else if (this.isWanted(deployment, definition)) this.progress(deployment, 'deploying');
    }
  }

  /** Every step towards the definition is done: what does not run now will not run by itself. */
  reconciled(definition: GroupDefinition): void {
    for (const deployment of this.waiting.all()) {
      if (this.finishIfReady(deployment) || !this.isWanted(deployment, definition)) continue;
      const local = this.deps.local.get(deployment.key);
      if (local?.state === 'fetching' || local?.state === 'starting') continue;
      this.failed(deployment, local?.error && EdgeError.fromJSON(local.error));
    }
  }

  close(): void {
    for (const deployment of this.waiting.all()) {
      const error = new EdgeError('CLOSED', 'the edge core is stopping');
      this.finish(deployment, () => deployment.request.fail(error));
    }
  }

  private open(deployment: Deployment): void {
    const { request, available } = deployment;
    deployment.state = 'offered';
    deployment.timer = this.deps.clock.setTimeout(() => {
      deployment.state = 'lapsed';
      request.close();
    }, this.timing.offerMs);
    if (available !== undefined) request.update('available', available);
  }

  private wait(deployment: Deployment, stage: Stage | undefined, claim: Sending | undefined): void {
    const { request, manifest, key } = deployment;
    deployment.timer?.cancel();
    deployment.state = 'waiting';
    const claimed = claimedVersion(this.deps.definition(), request.device, manifest.name);
    Object.assign(deployment, { previousVersion: claimed, stored: claim === undefined, claim });
    this.waiting.add(key, deployment);
    deployment.timer = this.deps.clock.setTimeout(
      () => this.finish(deployment, () => request.fail(new EdgeError('DEPLOYMENT_TIMED_OUT'))),
      this.timing.deadlineMs,
    );
    if (stage !== undefined) this.progress(deployment, stage);
    if (claim === undefined) this.finishIfReady(deployment);
    else this.follow(deployment, claim);
  }

  private follow(deployment: Deployment, { stored, accepted }: Sending): void {
    const isStored = () => {
      deployment.stored = true;
      this.finishIfReady(deployment);
    };
    stored.then(isStored, () => undefined);
    accepted.then(
      () => this.progress(deployment, 'stored'),
      (error: unknown) => {
        const waited = this.finish(deployment, () => deployment.request.fail(error));
        if (waited && error instanceof Unanswered) this.withdraw(deployment);
      },
    );
  }

  private localChanged(changed: LocalFunction): void {
    for (const deployment of this.waiting.get(changed.key)) {
      if (changed.state === 'running') this.finishIfReady(deployment);
      else if (changed.state !== 'failed') this.progress(deployment, changed.state);
      else if (!changed.undelivered || !this.isClaiming(deployment))
        this.failed(deployment, changed.error && EdgeError.fromJSON(changed.error));
    }
  }

  /** The claim is still on its way: a deployment that is still to come has to bring the function. */
  private isClaiming({ request, manifest }: Deployment): boolean {
    return this.deps.claims.isClaiming(request.device, manifest.name);
  }

  /** `ready` says that a call would succeed now: it runs, and the definition in force entitles the device. */
  private finishIfReady(deployment: Deployment): boolean {
    const { request, manifest, key, present, claim } = deployment;
    const definition = this.deps.definition();
    if (!deployment.stored || this.deps.local.get(key)?.state !== 'running') return false;
    if (definition.functions[key] === undefined) return false;
    if (!isEntitled(definition, deployment, request.device)) return false;
    claim?.insist();
    this.finish(deployment, () =>
      request.settle('ready', {
        requestId: request.requestId,
        function: manifest.name,
        version: manifest.version,
        revision: definition.revision,
        callTopic: callTopic(this.deps.devicePrefix, request.device, manifest.name),
        present,
      }),
    );
    return true;
  }

  private failed(deployment: Deployment, reason: EdgeError | undefined): void {
    const { request, claim } = deployment;
    this.finish(deployment, () => request.fail(reason ?? new EdgeError('DEPLOYMENT_FAILED')));
    if (claim !== undefined) this.withdraw(deployment);
  }

  private withdraw({ request, manifest: { name, version }, previousVersion: before }: Deployment): void {
    const previousVersion = before === version ? undefined : before;
    this.deps.claims.withdraw(request.device, name, { version, previousVersion });
  }

  /** False when it was finished before. */
  private finish(deployment: Deployment, answer: () => void): boolean {
    if (!this.waiting.delete(deployment.key, deployment)) return false;
    deployment.state = 'over';
    deployment.timer?.cancel();
    answer();
    return true;
  }

  private progress(deployment: Deployment, stage: Stage): void {
    const { stage: reached } = deployment;
    const isLater = reached === undefined || STAGES.indexOf(stage) > STAGES.indexOf(reached);
    if (deployment.state !== 'waiting' || !isLater) return;
    deployment.stage = stage;
    const { request, manifest } = deployment;
    request.update('progress', { requestId: request.requestId, function: manifest.name, stage });
  }

  /** Somebody found out that it does not run here, an engine for example, and the definition says so. */
  private isRolledBack(deployment: Deployment, definition: GroupDefinition): boolean {
    return isRolledBack(definition, deployment.key) && !this.isClaiming(deployment);
  }

  private isWanted(deployment: Deployment, definition: GroupDefinition): boolean {
    const { name, version } = deployment.manifest;
    if (deployment.claim === undefined) return true;
    return claimedVersion(definition, deployment.request.device, name) === version;
  }
}

function reasonOf(definition: GroupDefinition, { key }: Deployment): EdgeError | undefined {
  const rollback = definition.rollbacks?.[key];
  return rollback && EdgeError.fromJSON(rollback.error);
}
