import {
  DeleteComponentCommand,
  DescribeComponentCommand,
  paginateListComponents,
  paginateListComponentVersions,
  type Component,
  type ComponentVersionListItem,
  type GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import { coreComponentName, functionComponentPrefix } from '../../../protocol';
import { isCoreDescription, packageOf } from '../../../protocol/greengrass/descriptions';
import type { ServiceAccess } from '../../groups/changeGroup';
import { unlessMissing } from '../../clients';
import { withdrawComponents, type DeployedTarget } from './withdrawal';

export interface RemovedComponents {
  /** `<component> <version>` */
  removed: string[];
  /** Such as have a name of the service's, and were made by somebody else. */
  kept: string[];
  /** Targets that could not be deployed to without them. */
  problems: string[];
}

type IsOwn = (description: string | undefined) => boolean;

/**
 * Takes the service's components out of the deployments of its targets, then deletes every version of
 * them. Their descriptions tell them: a name alone may be somebody else's.
 */
export async function removeComponents(
  access: ServiceAccess,
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
