import {
  DeleteComponentCommand,
  DeleteCoreDeviceCommand,
  DescribeComponentCommand,
  paginateListComponents,
  paginateListComponentVersions,
  type Component,
  type ComponentVersionListItem,
  type GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import { coreComponentName, EdgeError, functionComponentPrefix } from '../../../protocol';
import { isCoreDescription, packageOf } from '../../../protocol/greengrass/names';
import type { OperatorAccess } from '../../groups/changeGroup';
import { thingArnOf } from '../../things/things';
import { unlessMissing } from '../../../lib/awsErrors';
import type { PlatformRemoval } from '../platform';
import { redeploy } from './redeploy';

export interface RemovedComponents {
  /** `<component> <version>` */
  removed: string[];
  /** Component versions with a name of the service's that somebody else made. */
  kept: string[];
  /** Targets that could not be deployed to without them. */
  problems: string[];
}

/** Where the service's components are deployed: of every group that has a core. */
export interface DeployedTarget {
  /** Thing name of the core device. */
  core: string;
  targetArn: string;
}

type IsOwn = (description: string | undefined) => boolean;

/** Takes away the components of a service, and the core devices whose things went with it. */
export class GreengrassRemoval implements PlatformRemoval {
  components: RemovedComponents = { removed: [], kept: [], problems: [] };
  #targets: DeployedTarget[] = [];

  async beforeCertificates(access: OperatorAccess, progress: (text: string) => void): Promise<void> {
    progress('removing components of Greengrass');
    const { targets, problems } = await deployedTargets(access);
    this.#targets = targets;
    this.components = await removeComponents(access, targets);
    this.components.problems.unshift(...problems);
  }

  /** Greengrass lists core devices until they are deleted, also those whose thing has gone. */
  async afterThings({ operator }: OperatorAccess, things: readonly string[]): Promise<void> {
    const { greengrass } = operator.clients;
    for (const { core } of this.#targets) {
      if (!things.includes(core)) continue;
      await unlessMissing(greengrass.send(new DeleteCoreDeviceCommand({ coreDeviceThingName: core })));
    }
  }

  report() {
    const { removed, kept, problems } = this.components;
    const foreign = kept.map((name) => `component ${name} was made by somebody else: it stays`);
    return {
      removed: removed.length === 0 ? [] : [`${removed.length} component versions`],
      warnings: [...problems, ...foreign],
    };
  }
}

/**
 * Takes the service's components out of the deployments of its targets, then deletes every version of
 * them. Their descriptions tell them: a name alone may be somebody else's.
 */
export async function removeComponents(
  access: OperatorAccess,
  targets: readonly DeployedTarget[],
): Promise<RemovedComponents> {
  const client = access.operator.clients.greengrass;
  const { corePrefix } = access.outputs;
  const { own, kept } = await versionsByOwner(client, corePrefix);
  // One that is neither is a version of ours that was deleted before.
  const isOwn = (name: string, version = '') =>
    ownershipOf(name, corePrefix) !== undefined && !kept.includes(`${name} ${version}`);
  const problems = await withdrawComponents(access, targets, isOwn);
  // Somebody may have been quicker.
  for (const { arn } of own) await unlessMissing(client.send(new DeleteComponentCommand({ arn })));
  return { removed: own.map(({ name }) => name), kept, problems };
}

interface OwnVersion {
  arn: string;
  /** `<component> <version>` */
  name: string;
}

async function versionsByOwner(
  client: GreengrassV2Client,
  corePrefix: string,
): Promise<{ own: OwnVersion[]; kept: string[] }> {
  const [own, kept]: [OwnVersion[], string[]] = [[], []];
  for (const component of await privateComponents(client)) {
    const isOwn = ownershipOf(component.componentName ?? '', corePrefix);
    if (isOwn === undefined || component.arn === undefined) continue;
    for (const { arn = '', componentName = '', componentVersion = '' } of await versionsOf(
      client,
      component.arn,
    )) {
      const found = await unlessMissing(client.send(new DescribeComponentCommand({ arn })));
      const name = `${componentName} ${componentVersion}`;
      if (found === undefined) continue;
      if (isOwn(found.description)) own.push({ arn, name });
      else kept.push(name);
    }
  }
  return { own, kept };
}

/** All of them before any is deleted: pages of a list that shrinks would leave some out. */
async function privateComponents(client: GreengrassV2Client): Promise<Component[]> {
  const all: Component[] = [];
  for await (const { components = [] } of paginateListComponents({ client }, { scope: 'PRIVATE' })) {
    all.push(...components);
  }
  return all;
}

async function versionsOf(client: GreengrassV2Client, arn: string): Promise<ComponentVersionListItem[]> {
  const all: ComponentVersionListItem[] = [];
  for await (const { componentVersions = [] } of paginateListComponentVersions({ client }, { arn })) {
    all.push(...componentVersions);
  }
  return all;
}

/** Undefined for a name that is none of the service's. */
function ownershipOf(componentName: string, corePrefix: string): IsOwn | undefined {
  if (componentName === coreComponentName(corePrefix)) {
    return (description) => isCoreDescription(corePrefix, description);
  }
  if (!componentName.startsWith(functionComponentPrefix(corePrefix))) return undefined;
  return (description) => packageOf(description) !== undefined;
}

/**
 * From the stored definitions; none when their bucket has gone. What was spoilt by hand is a problem, and
 * keeps nothing from being removed.
 */
async function deployedTargets(
  access: OperatorAccess,
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
async function targetOf(access: OperatorAccess, group: string): Promise<DeployedTarget | undefined> {
  const definition = await access.operator.definition(access.outputs.stateBucket, group);
  const core = definition?.core?.thingName;
  if (core === undefined) return undefined;
  const targetArn =
    definition?.engine?.targetArn ?? (await unlessMissing(thingArnOf(access.operator.clients.iot, core)));
  return targetArn === undefined ? undefined : { core, targetArn };
}

/**
 * Deploys to each target what it has without the service's components. Otherwise the last
 * deployment of a core device that lives on would name components that there are no more, and neither it
 * nor one that somebody makes from it could be carried out. Resolves with what went wrong: a target that
 * cannot be deployed to keeps nothing from being removed.
 */
async function withdrawComponents(
  { operator, outputs }: OperatorAccess,
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

function text(error: unknown): string {
  return EdgeError.from(error).message;
}
