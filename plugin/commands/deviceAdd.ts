import path from 'node:path';
import { amazonRoots } from '../../operations/things/thingFiles';
import { addDevice, type AddedDevice } from '../../operations/things/deviceAdd';
import { changeText, groupChanges } from '../../operations/groups/groupChanges';
import { deviceNameSchema, parseWith } from '../../protocol';
import { text, type CommandContext, type CommandResult } from './command';
import { stageFolder } from './coreInit';
import { stateFolder, type DeployedService } from './service';

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
  return { json, text: textOf(added, group) };
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

function textOf({ thing, configFile, change, connects, warnings }: AddedDevice, group: string): string {
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
