import { removeDevice, type RemovedDevice } from '../../operations/things/deviceRemove';
import { changeText, groupChanges } from '../../operations/groups/groupChanges';
import { EdgeError, matchesAnyDevicePattern, parseWith, thingNameSchema } from '../../protocol';
import type { EdgeConfiguration } from '../configuration/configuration';
import { flag, text, type CommandContext, type CommandResult } from './command';

/**
 * `sls edge device remove --name [--group] [--thing]`: edges cut it off, its certificates go. Whatever
 * serves something else as well stays, and is told of.
 */
export async function deviceRemove(context: CommandContext): Promise<CommandResult> {
  const { service, options } = context;
  const thingName = parseWith(thingNameSchema, text(options, 'name'), '--name');
  const group = text(options, 'group');
  const configuration = context.configuration();
  const thing = flag(options, 'thing');
  const owner = thing ? stackOwner(thingName, configuration) : undefined;
  if (owner !== undefined) {
    throw new EdgeError('CONFLICT', `--thing: the stack makes ${thingName} for group ${owner}`, {
      expected: `take it out of edge.groups.${owner}.devices and run "sls deploy"`,
    });
  }
  const removed = await removeDevice(service, {
    thingName,
    thing,
    ...(group !== undefined && { groups: [group] }),
  });
  const named = Object.entries(configuration.section.groups)
    .filter(([name, { devices }]) => (group ?? name) === name && matchesAnyDevicePattern(devices, thingName))
    .map(([name]) => name);
  return { json: { ...jsonOf(removed), stillNamedBy: named }, text: textOf(removed, named) };
}

/** The group whose things are resources of the stack, this one among them. */
function stackOwner(thingName: string, { section }: EdgeConfiguration): string | undefined {
  const groups = Object.entries(section.groups);
  return groups.find(([, { things, devices }]) => things && devices.includes(thingName))?.[0];
}

/** What of a removal is worth telling as JSON. */
export function jsonOf({ groups, ...rest }: RemovedDevice) {
  return {
    ...rest,
    groups: groups.map(({ group, before, after }) => ({
      group,
      revision: after.revision,
      changes: groupChanges(before, after),
    })),
  };
}

/** One line per group, certificate and thing. */
export function removalLines({ thingName, groups, certificates, kept, thing, warnings }: RemovedDevice) {
  return [
    ...groups.flatMap(({ group, before, after }) => [
      `${group} (revision ${after.revision})`,
      ...groupChanges(before, after).map((change) => `  ${changeText(change)}`),
    ]),
    ...certificates.map((id) => `certificate ${id.slice(0, 8)}… deleted`),
    ...kept.map(({ certificateId, reason }) => `certificate ${certificateId.slice(0, 8)}… kept: ${reason}`),
    ...(thing === 'deleted' ? [`thing ${thingName} deleted`] : []),
    ...warnings.map((warning) => `! ${warning}`),
  ];
}

function textOf(removed: RemovedDevice, named: readonly string[]): string {
  const { thingName } = removed;
  return [
    `${thingName} is no device any more.`,
    ...removalLines(removed),
    ...named.map(
      (group) => `! edge.groups.${group}.devices names it still: it comes back once it has a new certificate`,
    ),
  ].join('\n');
}
