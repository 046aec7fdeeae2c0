import {
  DeleteComponentCommand,
  paginateListComponents,
  paginateListComponentVersions,
  type GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import { coreComponentName, functionComponentPrefix } from '../../protocol';
import { statusOf } from '../clients';

/**
 * Deletes every version of the service's components. What runs on a core device goes on; a deployment
 * that names them can no longer be carried out. Resolves with `<component> <version>`.
 */
export async function removeComponents(client: GreengrassV2Client, corePrefix: string): Promise<string[]> {
  const removed: string[] = [];
  for await (const { components = [] } of paginateListComponents({ client }, { scope: 'PRIVATE' })) {
    for (const { arn, componentName = '' } of components) {
      const isOwn =
        componentName === coreComponentName(corePrefix) ||
        componentName.startsWith(functionComponentPrefix(corePrefix));
      if (isOwn && arn !== undefined) removed.push(...(await removeVersions(client, arn)));
    }
  }
  return removed;
}

async function removeVersions(client: GreengrassV2Client, arn: string): Promise<string[]> {
  const removed: string[] = [];
  for await (const { componentVersions = [] } of paginateListComponentVersions({ client }, { arn })) {
    for (const { arn: versionArn, componentName, componentVersion } of componentVersions) {
      try {
        await client.send(new DeleteComponentCommand({ arn: versionArn }));
        removed.push(`${componentName} ${componentVersion}`);
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
      }
    }
  }
  return removed;
}
