import path from 'node:path';
import { initialiseCore, type CoreInitOptions } from '../../operations/cores/standalone/coreInit';
import { initialiseGreengrassCore } from '../../operations/cores/greengrass/coreInit';
import { initialiseV1Core } from '../../operations/cores/greengrassV1/coreInit';
import { groupChanges } from '../../operations/groups/groupChanges';
import { EdgeError } from '../../protocol';
import { DEVICE_WAYS, type DeviceWay } from '../../protocol/greengrass/coreConfiguration';
import { flag, list, text, type CommandContext, type CommandResult } from './command';
import { coreInitText, type AnyInitialisedCore } from './coreInitTexts';
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
  const done = await initialise(context, platform, init);
  const { change, ...rest } = done;
  const changes = groupChanges(change.before, change.after);
  return { json: { ...rest, revision: change.after.revision, changes }, text: coreInitText(done) };
}

function initialise(
  context: CommandContext,
  platform: PlatformName,
  init: CoreInitOptions,
): Promise<AnyInitialisedCore> {
  switch (platform) {
    case 'standalone':
      return initialiseCore(context.service, init);
    case 'greengrassv2':
      return initialiseGreengrassCore(context.service, { ...init, ...greengrassOptions(context) });
    case 'greengrass':
      return initialiseV1Core(context.service, init);
  }
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

const PLATFORMS = ['standalone', 'greengrassv2', 'greengrass'] as const;
type PlatformName = (typeof PLATFORMS)[number];

function platformOf({ options, configuration }: CommandContext): PlatformName {
  const { name } = configuration().section.engine;
  const given = text(options, 'platform') ?? (name === 'direct' ? 'standalone' : name);
  const known = PLATFORMS.find((platform) => platform === given);
  if (known !== undefined) return known;
  throw new EdgeError('BAD_REQUEST', `--platform: found ${given}`, { expected: PLATFORMS.join(', ') });
}

function devicesOf({ options }: CommandContext): DeviceWay {
  const given = text(options, 'devices') ?? 'broker';
  const known = DEVICE_WAYS.find((way) => way === given);
  if (known !== undefined) return known;
  throw new EdgeError('BAD_REQUEST', `--devices: found ${given}`, { expected: DEVICE_WAYS.join(' or ') });
}

/** A core without a broker of ours has neither an address nor a certificate for devices. */
const OF_THE_BROKER = ['host', 'port', 'server-dir'];

function requireFitting(context: CommandContext, platform: PlatformName): void {
  const { options } = context;
  const devices = devicesOf(context);
  if (devices === 'pubsub' && platform !== 'greengrassv2') {
    throw new EdgeError('BAD_REQUEST', `--devices: found pubsub with --platform ${platform}`, {
      expected: '--platform greengrassv2',
    });
  }
  if (devices === 'broker' && platform !== 'greengrass') return;
  const found = OF_THE_BROKER.find((name) => text(options, name) !== undefined);
  if (found === undefined) return;
  const way = platform === 'greengrass' ? '--platform greengrass' : '--devices pubsub';
  throw new EdgeError('BAD_REQUEST', `--${found}: found with ${way}`, {
    expected: "no such option: devices connect to Greengrass's broker, whose address discovery tells",
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
