import { CancelDeploymentCommand, GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import {
  coreComponentName,
  EdgeError,
  greengrassDeploymentName,
  wantedFunctions,
  type ErrorBody,
  type FunctionManifest,
  type GroupDefinition,
} from '../../../protocol';
import { environment } from '../../lambda/environment';
import type { RetryPause } from '../../ports';
import { jitteredBackoff } from '../../stores/backoff';
import { THROTTLED, type EnginePorts } from '../descriptor';
import type { Deployment, EngineCapabilities, FunctionFailure } from '../engine';
import { RecordedEngine, type DeploymentProgress } from '../recordedEngine';
import { greengrassError } from './awsErrors';
import { ComponentVersions, greengrassArns } from './componentVersions';
import {
  coreConfigurationOf,
  nameComponents,
  nextComponents,
  type Components,
  type FunctionComponent,
} from './components';
import { CoreDevices } from './coreDevices';
import { deployToTarget, type DeployedToTarget, type TargetChange } from './deployToTarget';
import { groupOfDeploymentName, subjectOf } from './events';
import { Follower } from './follower';
import { ensureVersions, foreignComponents } from './functionVersions';
import { TargetDeployments } from './targetDeployments';

export interface GreengrassEnginePorts extends EnginePorts {
  client: GreengrassV2Client;
  backoff: RetryPause;
  corePrefix: string;
  functionsBucket: string;
  /** `arn:<partition>:iot:<region>:<account>:thing/` */
  thingArnPrefix: string;
}

/**
 * AWS IoT Greengrass V2. One deployment per revision for the group's target, always with the full map:
 * what others put on the target, the core component told of the revision, and under `delivery:
 * components` a component for each function version. Under `delivery: hot` the core is told at once,
 * too, and fetches functions itself; the deployment is then for the fleet's eyes.
 */
export class GreengrassEngine extends RecordedEngine<GreengrassEnginePorts> {
  readonly name = 'greengrassv2';
  readonly capabilities: EngineCapabilities = {
    restartScope: 'component',
    history: true,
    concurrency: 'replace',
    deliveries: ['hot', 'components'],
    targets: ['core', 'thingGroup'],
    cancel: true,
    follows: true,
  };

  private readonly arns = greengrassArns(this.ports.thingArnPrefix);
  private readonly versions = new ComponentVersions(this.ports.client, this.arns, this.ports.backoff);
  private readonly deployments = new TargetDeployments(this.ports.client);
  private readonly cores = new CoreDevices(this.ports.client);
  private readonly follower = new Follower(this.ports.corePrefix, this.deployments, this.cores);

  protected async begin(definition: GroupDefinition): Promise<DeploymentProgress> {
    const { group, revision, core, engine } = definition;
    if (core === undefined) return waiting(`group ${group} has no core yet`);
    const hot = engine?.delivery !== 'components';
    const targetArn = engine?.targetArn ?? this.arns.thing(core.thingName);
    // Greengrass may be slow or throttled; the definition is stored, and a notice is a hint to fetch it.
    if (hot) await this.ports.notices.announce(core.thingName, { group, revision });
    const wanted = hot ? [] : wantedFunctions(definition).map(({ manifest }) => manifest);
    const target = { targetArn, core: core.thingName };
    return { ...(await this.deploy(definition, target, wanted)), ...target };
  }

  private async deploy(
    definition: GroupDefinition,
    { targetArn, core }: { targetArn: string; core: string },
    wanted: readonly FunctionManifest[],
  ): Promise<DeploymentProgress> {
    const { group, revision } = definition;
    const { corePrefix } = this.ports;
    const change: TargetChange = {
      ...{ targetArn, name: greengrassDeploymentName(corePrefix, group, revision), corePrefix, revision },
      next: (current) => this.nextMap(current?.components ?? {}, targetArn, definition, wanted),
    };
    try {
      const deployed = await deployToTarget(this.deployments, change);
      const { outcome, deploymentId, before } = deployed;
      if (before !== undefined && before < revision) await this.supersede(group, before);
      if (outcome !== 'found') return begun(deployed);
      // It may have ended before its record was there to be followed, or long ago.
      const looked = { ...begun(deployed), group, revision, core, at: this.now() };
      const ended = await this.follower.look(looked);
      if (!ended?.mayPass) return ended ?? begun(deployed);
      return begun(await deployToTarget(this.deployments, { ...change, failed: deploymentId }));
    } catch (error) {
      if (error instanceof NotReady) return waiting(error.message);
      if (error instanceof FunctionsFailed) return error.progress();
      throw greengrassError(error);
    }
  }

  private async nextMap(
    current: Components,
    targetArn: string,
    { group, revision, engine }: GroupDefinition,
    wanted: readonly FunctionManifest[],
  ): Promise<Components> {
    const { corePrefix } = this.ports;
    const configuration = coreConfigurationOf(corePrefix, current);
    if (configuration === undefined) {
      throw new NotReady(`no deployment of ${targetArn} has ${coreComponentName(corePrefix)}`);
    }
    if (configuration.group !== undefined && configuration.group !== group) {
      throw new EdgeError(
        'DEPLOYMENT_FAILED',
        `${targetArn} is the target of group ${configuration.group} and of group ${group}`,
        { field: 'engine.targetArn', details: { targetArn, groups: [configuration.group, group] } },
      );
    }
    const components = nameComponents(corePrefix, wanted, current);
    const foreign = await foreignComponents(this.versions, corePrefix, current, components);
    await this.ensure(components, current, configuration.host);
    const told = { revision, ...(engine && { delivery: engine.delivery }) };
    return nextComponents(corePrefix, current, told, components, foreign);
  }

  /** Throws FunctionsFailed, NotReady. */
  private async ensure(
    components: readonly FunctionComponent[],
    current: Components,
    host: string | undefined,
  ): Promise<void> {
    if (components.length === 0) return;
    const { corePrefix, functionsBucket } = this.ports;
    if (host === undefined) throw new NotReady('the core component knows no host for function components');
    const options = { corePrefix, functionsBucket, host };
    const failures = await ensureVersions(this.versions, components, current, options);
    if (Object.keys(failures).length > 0) throw new FunctionsFailed(failures);
  }

  /** The deployment that this one replaced has no outcome any more. */
  private async supersede(group: string, revision: number): Promise<void> {
    const known = await this.recorded(group, revision);
    if (known?.state === 'inProgress') await this.record(group, revision, { ...known, state: 'superseded' });
  }

  /**
   * A deployment that ended is looked at, too: somebody may have deployed without the revision, or a function
   * may have broken since.
   */
  protected override mayHaveChanged({ state, engineId }: Deployment): boolean {
    return engineId !== undefined && state !== 'superseded';
  }

  protected override async follow(deployment: Deployment): Promise<DeploymentProgress | undefined> {
    try {
      return await this.follower.look(deployment);
    } catch (error) {
      throw greengrassError(error);
    }
  }

  /**
   * It cancels the deployment for cores that have not received it yet; what runs on a core stays as it is.
   */
  protected override async end(deployment: Deployment): Promise<DeploymentProgress> {
    try {
      await this.ports.client.send(new CancelDeploymentCommand({ deploymentId: deployment.engineId }));
    } catch (error) {
      throw greengrassError(error);
    }
    const error: ErrorBody = { code: 'ABORTED', message: 'the deployment was cancelled' };
    return { ...deployment, state: 'failed', error };
  }

  /** The group of an event that Greengrass sent to EventBridge about a deployment or a broken component. */
  async groupOf(event: unknown): Promise<string | undefined> {
    const { corePrefix } = this.ports;
    const subject = subjectOf(corePrefix, event);
    if (subject === undefined) return undefined;
    const read = (name: string) => groupOfDeploymentName(corePrefix, name);
    try {
      if ('core' in subject) return await this.cores.fromName(subject.core, read);
      const found = await this.deployments.get(subject.deploymentId);
      return found && read(found.name);
    } catch (error) {
      throw greengrassError(error);
    }
  }
}

/** With what performDeployment has in its environment. Throws INTERNAL where something is missing. */
export function openGreengrassEngine(ports: EnginePorts): GreengrassEngine {
  return new GreengrassEngine({
    ...ports,
    client: new GreengrassV2Client(THROTTLED),
    backoff: jitteredBackoff,
    corePrefix: environment('EDGE_CORE_PREFIX'),
    functionsBucket: environment('EDGE_FUNCTIONS_BUCKET'),
    thingArnPrefix: environment('EDGE_THING_ARN_PREFIX'),
  });
}

function begun({ outcome, deploymentId }: DeployedToTarget): DeploymentProgress {
  return { state: outcome === 'superseded' ? outcome : 'inProgress', engineId: deploymentId };
}

function waiting(message: string): DeploymentProgress {
  return { state: 'waiting', error: { code: 'DEPLOYMENT_FAILED', message } };
}

/** What `core init` does is still to be done. */
class NotReady extends Error {
  constructor(message: string) {
    super(`${message}: sls edge core init --platform greengrassv2`);
  }
}

class FunctionsFailed extends Error {
  constructor(private readonly failures: Record<string, FunctionFailure>) {
    super('functions cannot be delivered');
  }

  progress(): DeploymentProgress {
    const reasons = Object.entries(this.failures).map(([key, { error }]) => `${key}: ${error.message}`);
    const error: ErrorBody = { code: 'DEPLOYMENT_FAILED', message: reasons.join('; ') };
    return { state: 'failed', error, failures: this.failures };
  }
}
