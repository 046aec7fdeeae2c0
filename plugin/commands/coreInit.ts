import path from 'node:path';
import { initialiseCore, type CoreInitOptions, type InitialisedCore } from '../../operator/coreInit';
import { initialiseGreengrassCore } from '../../operator/greengrass/coreInit';
import type { DeployedComponent } from '../../operator/greengrass';
import { groupChanges } from '../../operator/groupChanges';
import { EdgeError } from '../../protocol';
import { DEVICE_WAYS, type DeviceWay } from '../../protocol/greengrass/coreConfiguration';
import { flag, list, text, type CommandContext, type CommandResult } from './command';
import { stateFolder, type DeployedService } from './service';

/**
 * `sls edge core init --group`: a folder that is the edge core of the group once it is started, or that
 * makes a Greengrass core device the edge core.
 */
export async function coreInit(context: CommandContext): Promise<CommandResult> {
  const { service, serverless, options } = context;
  const platform = platformOf(context);
  requireFitting(context, platform);
  const group = text(options, 'group') ?? '';
  const out = path.resolve(
    serverless.serviceDir,
    text(options, 'out') ?? path.join(stageFolder(context), 'cores', group),
  );
  const init: CoreInitOptions = {
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
  };
  const done: InitialisedCore & { deployment?: DeployedComponent } =
    platform === 'greengrassv2'
      ? await initialiseGreengrassCore(service, { ...init, ...greengrassOptions(context) })
      : await initialiseCore(service, init);
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

const PLATFORMS = ['standalone', 'greengrassv2'] as const;

function platformOf({ options, configuration }: CommandContext): (typeof PLATFORMS)[number] {
  const given = text(options, 'platform');
  if (given === undefined) {
    return configuration().section.engine.name === 'greengrassv2' ? 'greengrassv2' : 'standalone';
  }
  const known = PLATFORMS.find((platform) => platform === given);
  if (known !== undefined) return known;
  throw new EdgeError('BAD_REQUEST', `--platform: found ${given}`, { expected: PLATFORMS.join(' or ') });
}

function devicesOf({ options }: CommandContext): DeviceWay {
  const given = text(options, 'devices') ?? 'broker';
  const known = DEVICE_WAYS.find((way) => way === given);
  if (known !== undefined) return known;
  throw new EdgeError('BAD_REQUEST', `--devices: found ${given}`, { expected: DEVICE_WAYS.join(' or ') });
}

/** A core without a broker of its own has neither an address nor a certificate for devices. */
const OF_THE_BROKER = ['host', 'port', 'server-dir'];

function requireFitting(context: CommandContext, platform: (typeof PLATFORMS)[number]): void {
  const { options } = context;
  if (devicesOf(context) === 'broker') return;
  if (platform !== 'greengrassv2') {
    throw new EdgeError('BAD_REQUEST', `--devices: found pubsub with --platform ${platform}`, {
      expected: '--platform greengrassv2',
    });
  }
  const found = OF_THE_BROKER.find((name) => text(options, name) !== undefined);
  if (found === undefined) return;
  throw new EdgeError('BAD_REQUEST', `--${found}: found with --devices pubsub`, {
    expected:
      "no such option: devices connect to Greengrass's broker, at the addresses that its IP detector tells",
  });
}

/** The client that the component is given comes from the service, where npm has put every architecture of it. */
function greengrassOptions(context: CommandContext) {
  const { serverless, options } = context;
  const certificateId = text(options, 'certificate');
  const serverFolder = text(options, 'server-dir');
  if (serverFolder !== undefined && !/^\/[\w./-]*$/.test(serverFolder)) {
    throw new EdgeError('BAD_REQUEST', `--server-dir: found ${serverFolder}`, {
      expected: 'an absolute path',
    });
  }
  return {
    sdkFrom: serverless.serviceDir,
    devices: devicesOf(context),
    ...(certificateId !== undefined && { certificateId }),
    ...(serverFolder !== undefined && { serverFolder }),
  };
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

function textOf(done: InitialisedCore & { deployment?: DeployedComponent }): string {
  const { group, core, out, unit, warnings, certificateId, deployment } = done;
  return [
    `${out} is the edge core ${core} of group ${group} (certificate ${certificateId.slice(0, 8)}…).`,
    ...(deployment === undefined ? [] : [deploymentText(deployment)]),
    ...commandText(done),
    ...reachText(done),
    ...(unit === undefined ? [] : [`To keep it running, see ${unit} there.`]),
    ...(done.command === undefined ? [] : ['The folder holds private keys.']),
    ...warnings.map((warning) => `! ${warning}`),
  ].join('\n');
}

function commandText({
  command,
  deployment,
}: InitialisedCore & { deployment?: DeployedComponent }): string[] {
  if (command === undefined)
    return ['Nothing has to be done on the node; README.md there says what it needs.'];
  const where =
    deployment === undefined
      ? 'Copy it to the node, which needs Node.js >= 20.19 and nothing else, and run there:'
      : 'Copy it to the node, whose README.md says what it needs, and run there as root:';
  return [where, '', `  ${command}`, ''];
}

function reachText({ hosts, port }: InitialisedCore): string[] {
  if (hosts === undefined) {
    return [
      "Devices connect to Greengrass's own broker and find it by discovery: the client device components have",
      'to be deployed to this core device, as docs/engines.md says.',
    ];
  }
  const reachable = hosts.some((host) => !['localhost', '127.0.0.1'].includes(host));
  return [
    `Devices reach it at ${hosts.map((host) => `${host}:${port}`).join(', ')}.`,
    ...(reachable ? [] : ['Only from the node itself: name it as devices see it with --host.']),
  ];
}

function deploymentText({ component, version, targetArn, deploymentId, isNew }: DeployedComponent): string {
  const target = targetArn.slice(targetArn.lastIndexOf(':') + 1);
  const what = `Component ${component} ${version} of ${target}`;
  return isNew
    ? `${what} is deployed by ${deploymentId}.`
    : `${what} was deployed already (${deploymentId}).`;
}
