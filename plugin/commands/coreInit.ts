import path from 'node:path';
import { initialiseCore, type InitialisedCore } from '../../operator/coreInit';
import { groupChanges } from '../../operator/groupChanges';
import { EdgeError } from '../../protocol';
import { flag, list, text, type CommandContext, type CommandResult } from './command';
import { stateFolder, type DeployedService } from './service';

/** `sls edge core init --group`: a folder that is the edge core of the group once it is started. */
export async function coreInit(context: CommandContext): Promise<CommandResult> {
  const { service, serverless, options } = context;
  const group = text(options, 'group') ?? '';
  const out = path.resolve(
    serverless.serviceDir,
    text(options, 'out') ?? path.join(stageFolder(context), 'cores', group),
  );
  const done = await initialiseCore(service, {
    group,
    core: await coreName(context, group),
    out,
    hosts: list(options, 'host'),
    port: portOf(text(options, 'port')),
    replace: flag(options, 'replace'),
    region: service.region,
    authorityDir: path.join(stateFolder(serverless), 'authority'),
    bundles: path.join(__dirname, '..', 'edge'),
    connectivityUrl: await connectivityUrl(service),
    ...(service.local && { cloudCa: service.local.ca }),
  });
  const { change, ...rest } = done;
  const changes = groupChanges(change.before, change.after);
  return { json: { ...rest, revision: change.after.revision, changes }, text: textOf(done) };
}

/** What belongs to one stage on this machine. */
export function stageFolder({ serverless, service }: CommandContext): string {
  const name = service.local === undefined ? serverless.getProvider('aws').getStage() : 'local';
  return path.join(stateFolder(serverless), name);
}

/** The one that the group has, or that the service names for it. */
async function coreName({ service, configuration }: CommandContext, group: string): Promise<string> {
  const definition = await service.operator.definition(service.outputs.stateBucket, group);
  return definition?.core?.thingName ?? configuration().coreOf(group);
}

const DEFAULT_PORT = 8883;

function portOf(given: string | undefined): number {
  const port = Number(given ?? DEFAULT_PORT);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new EdgeError('BAD_REQUEST', `--port: found ${given}`, { expected: 'a port from 1 to 65535' });
}

/** The control plane of Greengrass, in the partition of the IoT endpoint. */
async function connectivityUrl({ local, operator, region }: DeployedService): Promise<string> {
  const url = local?.environment['AWS_ENDPOINT_URL_GREENGRASSV2'];
  if (url !== undefined) return url;
  const { data } = await operator.endpoints();
  const suffix = data.split(`.${region}.`)[1] ?? 'amazonaws.com';
  return `https://greengrass.${region}.${suffix}`;
}

function textOf({ group, core, out, command, unit, hosts, port, warnings, certificateId }: InitialisedCore) {
  const reachable = hosts.some((host) => !['localhost', '127.0.0.1'].includes(host));
  return [
    `${out} is the edge core ${core} of group ${group} (certificate ${certificateId.slice(0, 8)}…).`,
    'Copy it to the node, which needs Node.js >= 20.19 and nothing else, and run there:',
    '',
    `  ${command}`,
    '',
    `Devices reach it at ${hosts.map((host) => `${host}:${port}`).join(', ')}.`,
    ...(reachable ? [] : ['Only from the node itself: name it as devices see it with --host.']),
    `To keep it running, see ${unit} there. The folder holds private keys.`,
    ...warnings.map((warning) => `! ${warning}`),
  ].join('\n');
}
