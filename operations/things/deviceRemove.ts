import { EdgeError, isActiveDevice, type GroupDefinition } from '../../protocol';
import { allMadeBy, deleteThing, releaseCertificate } from '../removal/certificates';
import { changeGroup, type GroupChange, type OperatorAccess } from '../groups/changeGroup';
import { statusOf } from '../../lib/awsErrors';
import { revokeUpdate } from '../groups/groupUpdate';

export interface DeviceRemoveOptions {
  thingName: string;
  /** From these groups alone; left out, from every group of the service. */
  groups?: readonly string[];
  /** Delete the thing as well, if the service made it. */
  thing?: boolean;
  /** A group outside of `groups` for which the device is still wanted, whatever the definitions say yet. */
  stillWantedBy?: string;
}

export interface RemovedDevice {
  thingName: string;
  /** Groups that had it, with what changed. */
  groups: GroupChange[];
  /** Ids of certificates that are gone. */
  certificates: string[];
  /** Certificates that only lost the service's policy, or nothing, and why. */
  kept: { certificateId: string; reason: string }[];
  thing: 'deleted' | 'kept' | 'absent';
  warnings: string[];
}

/**
 * Revokes a device. Its edges are told first and cut it off; then the certificates of the thing are
 * deleted, except those that serve something else: another group, or what the service did not make.
 * Can be run again after a failure. Throws NOT_FOUND when nobody knows the device.
 */
export async function removeDevice(
  access: OperatorAccess,
  options: DeviceRemoveOptions,
): Promise<RemovedDevice> {
  const { thingName } = options;
  const definitions = await allDefinitions(access);
  const inScope = ({ group }: GroupDefinition): boolean => options.groups?.includes(group) ?? true;
  const affected = definitions.filter((each) => inScope(each) && thingName in each.devices);
  const attached = await access.operator.certificatesOf(thingName);
  if (affected.length === 0 && (options.groups !== undefined || attached.length === 0)) {
    throw new EdgeError('NOT_FOUND', `no device ${thingName} ${where(options.groups)}`, {
      expected: 'a device that "sls edge status" shows',
    });
  }
  const groups = await Promise.all(affected.map(({ group }) => revoke(access, group, thingName)));
  const warnings = (await Promise.all(affected.map((each) => hide(access, each, thingName)))).flat();
  const elsewhere =
    definitions.find((each) => !inScope(each) && isActiveDevice(each, thingName))?.group ??
    options.stillWantedBy;
  const known = affected.flatMap(({ devices }) => devices[thingName]?.certificateId ?? []);
  const done = await removeCertificates(access, thingName, [...new Set([...attached, ...known])], elsewhere);
  const thing = elsewhere === undefined ? await removeThing(access, options, done) : 'kept';
  return { thingName, groups: groups.filter(hasChanged), ...done, thing, warnings };
}

async function allDefinitions({ operator, outputs }: OperatorAccess): Promise<GroupDefinition[]> {
  const names = await operator.groupNames(outputs.stateBucket);
  const all = await Promise.all(names.map((group) => operator.definition(outputs.stateBucket, group)));
  return all.filter((each) => each !== undefined);
}

function where(groups: readonly string[] | undefined): string {
  return groups === undefined ? 'in this service' : `in group ${groups.join(', ')}`;
}

function revoke(access: OperatorAccess, group: string, thingName: string): Promise<GroupChange> {
  return changeGroup(access, group, (current, meta) => revokeUpdate(current, thingName, meta));
}

function hasChanged({ before, after }: GroupChange): boolean {
  return before.revision !== after.revision;
}

/** Takes the device out of discovery. The edge refuses it anyway, so a failure here stops nothing. */
async function hide(
  { operator }: OperatorAccess,
  { core }: GroupDefinition,
  thingName: string,
): Promise<string[]> {
  if (core === undefined) return [];
  try {
    await operator.disassociateDevice(core.thingName, thingName);
    return [];
  } catch (error) {
    // The core has never been a Greengrass core.
    if (statusOf(error) === 404) return [];
    return [`${thingName} may still discover ${core.thingName}: ${(error as Error).message}`];
  }
}

async function removeCertificates(
  { operator, outputs }: OperatorAccess,
  thingName: string,
  ids: readonly string[],
  elsewhere: string | undefined,
): Promise<Pick<RemovedDevice, 'certificates' | 'kept'>> {
  const done: Pick<RemovedDevice, 'certificates' | 'kept'> = { certificates: [], kept: [] };
  const rights = { thingName, policyName: outputs.devicePolicy, madeBy: outputs.corePrefix };
  for (const certificateId of ids) {
    const arn = await operator.certificateArn(certificateId);
    if (arn === undefined) continue;
    const reason =
      elsewhere === undefined
        ? await releaseCertificate(operator.clients.iot, arn, rights)
        : `it is a device of group ${elsewhere} too`;
    if (reason === undefined) done.certificates.push(certificateId);
    else done.kept.push({ certificateId, reason });
  }
  return done;
}

async function removeThing(
  { operator, outputs }: OperatorAccess,
  { thingName, thing }: DeviceRemoveOptions,
  { certificates }: Pick<RemovedDevice, 'certificates'>,
): Promise<RemovedDevice['thing']> {
  const { iot } = operator.clients;
  try {
    if (!thing || !(await allMadeBy(iot, [thingName], outputs.corePrefix))) return 'kept';
    return (await deleteThing(iot, thingName, certificates)) ? 'deleted' : 'kept';
  } catch (error) {
    if (statusOf(error) === 404) return 'absent';
    throw error;
  }
}
