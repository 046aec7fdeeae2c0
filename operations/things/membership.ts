import {
  AddThingToThingGroupCommand,
  ListThingsInThingGroupCommand,
  RemoveThingFromThingGroupCommand,
  type IoTClient,
} from '@aws-sdk/client-iot';
import type { OperatorAccess } from '../groups/changeGroup';
import { isActiveDevice, type GroupDefinition } from '../../protocol';
import { unlessMissing } from '../../lib/awsErrors';
import { allPages } from '../../lib/pages';

/**
 * Brings the members of a group's thing group to its core and devices; CloudFormation has no resource for
 * that. Revoked devices and the core that was there before leave it; things that somebody else put there
 * stay. `named`: things that the stack makes, which may have no certificate yet.
 */
export async function syncThingGroup(
  iot: IoTClient,
  thingGroupName: string,
  { before, after }: { before: GroupDefinition; after: GroupDefinition },
  named: readonly string[],
): Promise<void> {
  const members = new Set(await membersOf(iot, thingGroupName));
  const devices = Object.keys(after.devices);
  const active = devices.filter((name) => isActiveDevice(after, name));
  const core = after.core === undefined ? [] : [after.core.thingName];
  const welcome = named.filter((name) => !after.devices[name]?.revoked);
  const wanted = new Set([...core, ...active, ...welcome]);
  const known = [...devices, ...(before.core === undefined ? [] : [before.core.thingName])];
  for (const thingName of wanted) {
    if (!members.has(thingName)) await add(iot, thingGroupName, thingName);
  }
  for (const thingName of known) {
    if (!members.has(thingName) || wanted.has(thingName)) continue;
    await iot.send(new RemoveThingFromThingGroupCommand({ thingGroupName, thingName }));
  }
}

function membersOf(iot: IoTClient, thingGroupName: string): Promise<string[]> {
  return allPages(async ({ NextToken: nextToken }) => {
    const page = await iot.send(new ListThingsInThingGroupCommand({ thingGroupName, nextToken }));
    return { items: page.things, NextToken: page.nextToken };
  });
}

/** A thing that is not there yet is told of elsewhere. */
async function add(iot: IoTClient, thingGroupName: string, thingName: string): Promise<void> {
  await unlessMissing(iot.send(new AddThingToThingGroupCommand({ thingGroupName, thingName })));
}

/** Devices that know their edge's address need no discovery, so nothing stops for the lack of it. */
export async function letDiscover(
  { operator }: OperatorAccess,
  core: string,
  devices: readonly string[],
): Promise<string[]> {
  try {
    await operator.associateDevices(core, devices);
    return [];
  } catch (error) {
    return [`devices cannot discover ${core}: ${(error as Error).message}`];
  }
}
