import type { EffectiveDeployment } from '@aws-sdk/client-greengrassv2';
import type { Deployment } from '../engine';
import type { DeploymentProgress } from '../recordedEngine';
import { coreConfigurationOf, functionOfComponent, type Components } from './components';
import type { CoreDevices } from './coreDevices';
import { brokenFunctions, deploymentError, functionFailures, liesInComponents } from './failures';
import type { TargetDeployment, TargetDeployments } from './targetDeployments';

type Outcome = Pick<DeploymentProgress, 'state' | 'error' | 'failures' | 'mayPass'>;

/** Follows deployments to their end on the core. */
export class Follower {
  constructor(
    private readonly corePrefix: string,
    private readonly deployments: TargetDeployments,
    private readonly cores: CoreDevices,
  ) {}

  /** Undefined when the target has a deployment that does not bring the revision. */
  async look(deployment: Deployment): Promise<DeploymentProgress | undefined> {
    const { engineId = '', revision, core = '' } = deployment;
    const own = await this.deployments.get(engineId);
    if (own === undefined) return undefined;
    const inForce = own.isLatest ? own : await this.successor(own, revision);
    if (inForce === undefined) return undefined;
    const { targetArn } = own;
    if (this.revisionOf(inForce) !== revision) return { state: 'superseded', engineId, targetArn, core };
    return { ...(await this.outcome(inForce, core)), engineId: inForce.id, targetArn, core };
  }

  /** What took its place, if that is a newer revision of ours or keeps what ours brought. */
  private async successor(own: TargetDeployment, revision: number): Promise<TargetDeployment | undefined> {
    const latest = await this.deployments.latest(own.targetArn);
    if (latest === undefined) return undefined;
    const now = this.revisionOf(latest) ?? -1;
    if (now > revision) return latest;
    return now === revision && this.keeps(own.components, latest.components) ? latest : undefined;
  }

  private keeps(ours: Components, theirs: Components): boolean {
    return Object.entries(ours)
      .filter(([name]) => functionOfComponent(this.corePrefix, name) !== undefined)
      .every(([name, { componentVersion }]) => theirs[name]?.componentVersion === componentVersion);
  }

  private async outcome({ id, components, status }: TargetDeployment, core: string): Promise<Outcome> {
    const effective = await this.cores.effective(core, id);
    // The core has not heard of the deployment: it is offline, or Greengrass has not told it yet.
    if (effective === undefined) return status === 'CANCELED' ? CANCELLED : { state: 'inProgress' };
    switch (effective.coreDeviceExecutionStatus) {
      case 'QUEUED':
      case 'IN_PROGRESS':
        return { state: 'inProgress' };
      case 'COMPLETED':
      case 'SUCCEEDED':
        return this.completed(components, core);
      case 'CANCELED':
        return CANCELLED;
      default:
        return this.failed(effective, { id, components }, core);
    }
  }

  private async failed(
    effective: EffectiveDeployment,
    { id, components }: Pick<TargetDeployment, 'id' | 'components'>,
    core: string,
  ): Promise<Outcome> {
    const error = deploymentError(id, effective);
    const installed = await this.cores.installed(core);
    const failures = functionFailures(this.corePrefix, components, effective, error, installed);
    if (Object.keys(failures).length > 0) return { state: 'failed', error, failures };
    // A component of somebody else would only break again; whoever mends it deploys it.
    return { state: 'failed', error, mayPass: !liesInComponents(effective) };
  }

  private async completed(components: Components, core: string): Promise<Outcome> {
    const names = Object.keys(components);
    if (names.every((name) => functionOfComponent(this.corePrefix, name) === undefined)) {
      return { state: 'succeeded' };
    }
    const failures = brokenFunctions(this.corePrefix, components, await this.cores.installed(core));
    const [first] = Object.values(failures);
    return first === undefined ? { state: 'succeeded' } : { state: 'failed', error: first.error, failures };
  }

  private revisionOf({ components }: TargetDeployment): number | undefined {
    return coreConfigurationOf(this.corePrefix, components)?.revision;
  }
}

const CANCELLED = {
  state: 'failed' as const,
  error: { code: 'ABORTED' as const, message: 'the deployment was cancelled on Greengrass' },
};
