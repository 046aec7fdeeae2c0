import {
  DeleteComponentCommand,
  DescribeComponentCommand,
  paginateListComponents,
  paginateListComponentVersions,
  type Component,
  type ComponentVersionListItem,
  type GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import { coreComponentName, functionComponentPrefix } from '../../protocol';
import { isCoreDescription, packageOf } from '../../protocol/greengrass/descriptions';
import { statusOf } from '../clients';

export interface RemovedComponents {
  /** `<component> <version>` */
  removed: string[];
  /** Such as have a name of the service's, and were made by somebody else. */
  kept: string[];
}

type IsOwn = (description: string | undefined) => boolean;

/**
 * Deletes every version of the service's components, which their descriptions tell: a name alone may be
 * somebody else's. What runs on a core device goes on; a deployment that names them can no longer be
 * carried out.
 */
export async function removeComponents(
  client: GreengrassV2Client,
  corePrefix: string,
): Promise<RemovedComponents> {
  const result: RemovedComponents = { removed: [], kept: [] };
  for (const { arn, componentName = '' } of await privateComponents(client)) {
    const isOwn = ownershipOf(componentName, corePrefix);
    if (isOwn !== undefined && arn !== undefined) await removeVersions(client, arn, isOwn, result);
  }
  return result;
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

async function removeVersions(
  client: GreengrassV2Client,
  component: string,
  isOwn: IsOwn,
  { removed, kept }: RemovedComponents,
): Promise<void> {
  for (const { arn, componentName, componentVersion } of await versionsOf(client, component)) {
    const name = `${componentName} ${componentVersion}`;
    try {
      const { description } = await client.send(new DescribeComponentCommand({ arn }));
      if (!isOwn(description)) {
        kept.push(name);
        continue;
      }
      await client.send(new DeleteComponentCommand({ arn }));
      removed.push(name);
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
    }
  }
}
