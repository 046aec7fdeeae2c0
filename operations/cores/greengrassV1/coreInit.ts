import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { V1_WARNING, v1GroupName } from '../../../protocol/greengrassV1';
import { amazonRoots } from '../amazonRoot';
import { updateGroup, type ServiceAccess } from '../../groups/changeGroup';
import type { CoreInitOptions, InitialisedCore } from '../standalone/coreInit';
import { requireVacant, retire } from '../coreMembership';
import { removeListener } from '../../groups/listener';
import { requireDefinition } from '../../inspection/overview';
import { ThingStore } from '../../things/thingFiles';
import { v1Readme } from './nodeTexts';

export interface InitialisedV1Core extends InitialisedCore {
  /** Name of the Greengrass group in which the engine puts the core. */
  greengrassGroup: string;
}

type V1CoreInitOptions = Pick<CoreInitOptions, 'group' | 'core' | 'out' | 'replace' | 'region' | 'cloudCa'>;

/**
 * Makes the certificate of a Greengrass V1 core and names the core in the group, whose definition the engine
 * brings into its Greengrass group. Everything else is the operator's, as the README in the folder says: the
 * core software, its rights in AWS IoT and Greengrass, the role of the Greengrass group. Devices find the core
 * and whom to trust by V1's own discovery. Throws GROUP_NOT_FOUND, CONFLICT when another node is the core.
 */
export async function initialiseV1Core(
  access: ServiceAccess,
  options: V1CoreInitOptions,
): Promise<InitialisedV1Core> {
  const { operator, outputs } = access;
  const { group, core, out, region } = options;
  const definition = await requireDefinition(access, group);
  const things = new ThingStore(join(out, 'credentials'), operator, options.cloudCa ?? amazonRoots());
  await requireVacant(access, definition, await things.find(core), options);
  await mkdir(out, { recursive: true, mode: 0o700 });
  const { corePolicy, corePrefix } = outputs;
  const thing = await things.ensure({ thingName: core, policyName: corePolicy, madeBy: corePrefix });
  const { certificateId } = thing;
  const greengrassGroup = v1GroupName(corePrefix, group);
  const inside = (file: string): string => relative(out, file).replaceAll('\\', '/');
  const { data } = await operator.endpoints();
  const readme = v1Readme({
    ...{ group, core, greengrassGroup, region, corePolicy, iotHost: data },
    credentials: [thing.certificate, thing.privateKey, thing.ca].map(inside),
  });
  await writeFile(join(out, 'README.md'), readme);
  const change = await updateGroup(access, { group, core: { thingName: core, certificateId } });
  await removeListener(access, group);
  const warnings = [V1_WARNING];
  const replaced = definition.core;
  if (replaced !== undefined && replaced.certificateId !== certificateId) {
    warnings.push(...(await retire(access, replaced)));
  }
  return { group, core, certificateId, out, greengrassGroup, change, warnings };
}
