import { z } from 'zod';
import {
  isActiveDevice,
  matchesAnyDevicePattern,
  parseJsonWith,
  thingNameSchema,
  type GroupDefinition,
} from '../../protocol';
import type { OperatorAccess } from './changeGroup';
import { readText, writeText } from '../objects';

/**
 * Which devices the service itself names, at `groups/<group>/devices.json` in the state bucket: the
 * definition does not tell those from the ones that `sls edge device add` brought, which no deployment
 * has a say in.
 */
const namedDevicesSchema = z.strictObject({
  format: z.literal(1),
  /** Named by the last roll-out, or matched by its patterns. */
  named: z.array(thingNameSchema),
  /** Named by an earlier one, and devices of the group still. */
  dropped: z.array(thingNameSchema),
});
type NamedDevices = z.infer<typeof namedDevicesSchema>;

const NONE: NamedDevices = { format: 1, named: [], dropped: [] };

function keyOf(group: string): string {
  return `groups/${group}/devices.json`;
}

async function read({ operator, outputs }: OperatorAccess, group: string): Promise<NamedDevices> {
  const key = keyOf(group);
  const text = await readText(operator.clients.s3, outputs.stateBucket, key);
  return text === undefined ? NONE : parseJsonWith(namedDevicesSchema, text, key);
}

async function write(
  { operator, outputs }: OperatorAccess,
  group: string,
  before: NamedDevices,
  now: NamedDevices,
): Promise<void> {
  const text = JSON.stringify(now);
  if (text === JSON.stringify(before)) return;
  await writeText(operator.clients.s3, outputs.stateBucket, keyOf(group), text);
}

/**
 * Notes which devices a roll-out named (`wanted`: names and patterns; `found`: the things that they stood
 * for). Resolves with the devices of the group that earlier roll-outs named and this one does not.
 */
export async function noteNamedDevices(
  access: OperatorAccess,
  definition: GroupDefinition,
  wanted: readonly string[],
  found: readonly string[],
): Promise<string[]> {
  const { group } = definition;
  const before = await read(access, group);
  // Those without a certificate yet, too: they may get one before the next roll-out.
  const names = wanted.filter((each) => !/[*?]/.test(each));
  const named = [...new Set([...names, ...found])].sort();
  const dropped = [...new Set([...before.named, ...before.dropped])]
    .filter((name) => isActiveDevice(definition, name) && !matchesAnyDevicePattern(wanted, name))
    .sort();
  await write(access, group, before, { format: 1, named, dropped });
  return dropped;
}

/** A device that is added by hand is no longer one that the service has dropped. */
export async function forgetDropped(access: OperatorAccess, group: string, thingName: string): Promise<void> {
  const before = await read(access, group);
  const dropped = before.dropped.filter((name) => name !== thingName);
  await write(access, group, before, { ...before, dropped });
}
