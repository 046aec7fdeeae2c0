import path from 'node:path';
import { changeText, groupChanges } from '../../operations/groups/groupChanges';
import { addDevice, type AddedDevice } from '../../operations/things/deviceAdd';
import { removeDevice, type RemovedDevice } from '../../operations/things/deviceRemove';
import { amazonRoots } from '../../operations/things/thingFiles';
import {
  deviceNameSchema,
  EdgeError,
  matchesAnyDevicePattern,
  parseWith,
  thingNameSchema,
} from '../../protocol';
import type { EdgeConfiguration } from '../configuration/configuration';
import { isSet, text, type CommandContext, type CommandResult } from './command';
import { stageFolder, stateFolder, type DeployedService } from './service';

/** `sls edge device add --name --group` */
export async function deviceAdd(context: CommandContext): Promise<CommandResult> {
  const { service, serverless, options } = context;
  const group = text(options, 'group') ?? '';
  const out = text(options, 'out');
  const added = await addDevice(service, {
    thingName: parseWith(deviceNameSchema, text(options, 'name'), '--name'),
    group,
    dir: out === undefined ? deviceFolder(context) : path.resolve(serverless.serviceDir, out),
    cloudCa: service.local?.ca ?? amazonRoots(),
    discoveryUrl: service.local?.discoveryUrl ?? discoveryUrl(service),
  });
  const { thing, configFile, change, connects, warnings } = added;
  const changes = groupChanges(change.before, change.after);
  const json = { group, revision: change.after.revision, ...thing, configFile, connects, changes, warnings };
  return { json, text: addedText(added, group) };
}

/** In the local cloud the devices of `sls edge dev`, which it provisioned itself, are there too. */
export function deviceFolder(context: CommandContext): string {
  if (context.service.local !== undefined) return path.join(stateFolder(context.serverless), 'things');
  return path.join(stageFolder(context), 'devices');
}

const DISCOVERY_PORT = 8443;

function discoveryUrl({ region }: DeployedService): string {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return `https://greengrass-ats.iot.${region}.${suffix}:${DISCOVERY_PORT}`;
}

function addedText({ thing, configFile, change, connects, warnings }: AddedDevice, group: string): string {
  const changes = groupChanges(change.before, change.after);
  return [
    `${thing.thingName} is a device of group ${group} (revision ${change.after.revision}).`,
    ...changes.map((each) => `  ${changeText(each)}`),
    '',
    `Client configuration: ${configFile}`,
    `  EdgeClient.connect(JSON.parse(readFileSync('${path.basename(configFile)}', 'utf8')))`,
    `For other MQTT clients: --cert ${thing.certificate} --key ${thing.privateKey} --cafile ${thing.ca}`,
    ...(connects === 'discovery' ? ['It finds its edge by discovery.'] : []),
    'These files hold a private key.',
    ...warnings.map((warning) => `! ${warning}`),
  ].join('\n');
}

/**
 * `sls edge device remove --name [--group] [--thing]`: edges cut it off, its certificates go. Whatever
 * serves something else as well stays, and is told of.
 */
export async function deviceRemove(context: CommandContext): Promise<CommandResult> {
  const { service, options } = context;
  const thingName = parseWith(thingNameSchema, text(options, 'name'), '--name');
  const group = text(options, 'group');
  const configuration = context.configuration();
  const thing = isSet(options, 'thing');
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
  return { json: { ...jsonOf(removed), stillNamedBy: named }, text: removedText(removed, named) };
}

/** The group whose things are resources of the stack, this one among them. */
function stackOwner(thingName: string, { section }: EdgeConfiguration): string | undefined {
  const groups = Object.entries(section.groups);
  return groups.find(([, { things, devices }]) => things && devices.includes(thingName))?.[0];
}

/** What of a removal is worth telling as JSON. */
function jsonOf({ groups, ...rest }: RemovedDevice) {
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

function removedText(removed: RemovedDevice, named: readonly string[]): string {
  const { thingName } = removed;
  return [
    `${thingName} is no device any more.`,
    ...removalLines(removed),
    ...named.map(
      (group) => `! edge.groups.${group}.devices names it still: it comes back once it has a new certificate`,
    ),
  ].join('\n');
}
