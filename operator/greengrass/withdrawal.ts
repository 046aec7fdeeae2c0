import { DeleteCoreDeviceCommand } from '@aws-sdk/client-greengrassv2';
import { DescribeThingCommand } from '@aws-sdk/client-iot';
import { EdgeError } from '../../protocol';
import type { ServiceAccess } from '../changeGroup';
import { statusOf } from '../clients';
import { redeploy } from './redeploy';

/** Where the service's components are deployed: of every group that has a core. */
export interface DeployedTarget {
  /** Thing name of the core device. */
  core: string;
  targetArn: string;
}

/** From the stored definitions; none when their bucket has gone. Leaves out cores whose thing has gone. */
export async function deployedTargets({ operator, outputs }: ServiceAccess): Promise<DeployedTarget[]> {
  const { stateBucket } = outputs;
  const targets: DeployedTarget[] = [];
  for (const group of await unlessMissing(operator.groupNames(stateBucket), [])) {
    const definition = await operator.definition(stateBucket, group);
    const core = definition?.core?.thingName;
    if (core === undefined) continue;
    const targetArn = definition?.engine?.targetArn ?? (await thingArnOf({ operator, outputs }, core));
    if (targetArn !== undefined) targets.push({ core, targetArn });
  }
  return targets;
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
    await unlessMissing(
      greengrass.send(new DeleteCoreDeviceCommand({ coreDeviceThingName: core })),
      undefined,
    );
  }
}

async function thingArnOf({ operator }: ServiceAccess, thingName: string): Promise<string | undefined> {
  const found = await unlessMissing(
    operator.clients.iot.send(new DescribeThingCommand({ thingName })),
    undefined,
  );
  return found?.thingArn;
}

async function unlessMissing<T, U>(answer: Promise<T>, instead: U): Promise<T | U> {
  try {
    return await answer;
  } catch (error) {
    if (statusOf(error) === 404) return instead;
    throw error;
  }
}

function text(error: unknown): string {
  return EdgeError.from(error).message;
}
