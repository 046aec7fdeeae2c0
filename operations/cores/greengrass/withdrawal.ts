import { DeleteCoreDeviceCommand } from '@aws-sdk/client-greengrassv2';
import { EdgeError } from '../../../protocol';
import type { ServiceAccess } from '../../groups/changeGroup';
import { unlessMissing } from '../../clients';
import { redeploy } from './redeploy';
import { thingArnOf } from './thingArn';

/** Where the service's components are deployed: of every group that has a core. */
export interface DeployedTarget {
  /** Thing name of the core device. */
  core: string;
  targetArn: string;
}

/**
 * From the stored definitions; none when their bucket has gone. What was spoilt by hand is a problem, and
 * keeps nothing from being removed.
 */
export async function deployedTargets(
  access: ServiceAccess,
): Promise<{ targets: DeployedTarget[]; problems: string[] }> {
  const [targets, problems]: [DeployedTarget[], string[]] = [[], []];
  for (const group of (await unlessMissing(access.operator.groupNames(access.outputs.stateBucket))) ?? []) {
    try {
      const target = await targetOf(access, group);
      if (target !== undefined) targets.push(target);
    } catch (error) {
      problems.push(`where group ${group} has components of the service cannot be told: ${text(error)}`);
    }
  }
  return { targets, problems };
}

/** Undefined for a group without a core, and for a core whose thing has gone. */
async function targetOf(access: ServiceAccess, group: string): Promise<DeployedTarget | undefined> {
  const definition = await access.operator.definition(access.outputs.stateBucket, group);
  const core = definition?.core?.thingName;
  if (core === undefined) return undefined;
  const targetArn = definition?.engine?.targetArn ?? (await unlessMissing(thingArnOf(access, core)));
  return targetArn === undefined ? undefined : { core, targetArn };
}

/**
 * Deploys to each target what it has without the service's components. Otherwise the last
 * deployment of a core device that lives on would name components that there are no more, and neither it
 * nor one that somebody makes from it could be carried out. Resolves with what went wrong: a target that
 * cannot be deployed to keeps nothing from being removed.
 */
export async function withdrawComponents(
  { operator, outputs }: ServiceAccess,
  targets: readonly DeployedTarget[],
  isOwn: (name: string, version: string | undefined) => boolean,
): Promise<string[]> {
  const problems: string[] = [];
  for (const targetArn of new Set(targets.map((each) => each.targetArn))) {
    try {
      await redeploy(operator.clients.greengrass, {
        targetArn,
        name: `${outputs.corePrefix} removed`,
        next: (current) =>
          Object.fromEntries(
            Object.entries(current).filter(([name, { componentVersion }]) => !isOwn(name, componentVersion)),
          ),
      });
    } catch (error) {
      problems.push(`${targetArn} still has a deployment with components of the service: ${text(error)}`);
    }
  }
  return problems;
}

/** Greengrass lists core devices until they are deleted, also those whose thing has gone. */
export async function forgetCoreDevices(
  { operator }: ServiceAccess,
  targets: readonly DeployedTarget[],
  removedThings: readonly string[],
): Promise<void> {
  const { greengrass } = operator.clients;
  for (const { core } of targets) {
    if (!removedThings.includes(core)) continue;
    await unlessMissing(greengrass.send(new DeleteCoreDeviceCommand({ coreDeviceThingName: core })));
  }
}

function text(error: unknown): string {
  return EdgeError.from(error).message;
}
