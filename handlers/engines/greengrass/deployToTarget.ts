import { EdgeError } from '../../../protocol';
import { sameComponents } from '../../../protocol/greengrass/componentMap';
import { coreConfigurationOf, type Components } from './components';
import type { TargetDeployment, TargetDeployments } from './targetDeployments';

export interface TargetChange {
  targetArn: string;
  /** Id of the new deployment. */
  name: string;
  corePrefix: string;
  revision: number;
  /** A deployment that failed and may succeed when it is made again: the target is not said to have it. */
  failed?: string;
  /** The next full map, made from what the target has. */
  next(current: TargetDeployment | undefined): Promise<Components>;
}

export interface DeployedToTarget {
  /** `found`: the target had it already. */
  outcome: 'created' | 'found' | 'superseded';
  deploymentId: string;
  /** The revision that the target had before. */
  before: number | undefined;
}

/** Somebody who writes deployments of the same target all the time. */
const MAX_ROUNDS = 8;

/**
 * Makes the target's deployment have a revision. On Greengrass the last writer wins, with the whole map
 * and without a condition: so after each write this looks whether somebody wrote since the map was read,
 * and if so writes again what both want.
 *
 * A target that has the map already keeps its deployment; one that has a higher revision is left alone.
 * Throws CONFLICT after too many rounds, and what `next` and the SDK throw.
 */
export async function deployToTarget(
  deployments: TargetDeployments,
  change: TargetChange,
): Promise<DeployedToTarget> {
  const { targetArn, name } = change;
  const own = new Set<string>();
  let base = await deployments.latest(targetArn);
  let source = base;
  const before = revisionOf(change, base);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (base !== undefined && (revisionOf(change, base) ?? 0) > change.revision) {
      return { outcome: 'superseded', deploymentId: base.id, before };
    }
    const components = await change.next(source);
    if (base !== undefined && isAlive(change, base) && sameComponents(base.components, components)) {
      return { outcome: own.has(base.id) ? 'created' : 'found', deploymentId: base.id, before };
    }
    const rollOut = source?.rollOut;
    const id = await deployments.create({ targetArn, name, components, base, ...(rollOut && { rollOut }) });
    own.add(id);
    const foreign = await deployments.youngestForeign(targetArn, base, own);
    if (foreign === undefined) return { outcome: 'created', deploymentId: id, before };
    // Their deployment was made before ours or after it. Either way it holds what they want, and what we want
    // is added.
    source = foreign;
    base = await deployments.latest(targetArn);
  }
  throw new EdgeError('CONFLICT', `others deploy to ${targetArn} again and again`);
}

function isAlive({ failed }: TargetChange, { id, status }: TargetDeployment): boolean {
  return status !== 'CANCELED' && id !== failed;
}

function revisionOf(
  { corePrefix }: TargetChange,
  deployment: TargetDeployment | undefined,
): number | undefined {
  return deployment && coreConfigurationOf(corePrefix, deployment.components)?.revision;
}
