import path from 'node:path';
import { initialiseCore } from '../../operations/cores/initialise';
import type { CorePlatform } from '../../operations/cores/platform';
import { CORE_PLATFORMS, platformOfEngine } from '../../operations/cores/platforms';
import { groupChanges } from '../../operations/groups/groupChanges';
import { EdgeError } from '../../protocol';
import { isSet, list, text, type CommandContext, type CommandResult } from './command';
import { stageFolder, stateFolder, type DeployedService } from './service';

/** `sls edge core init --group`: makes a node the edge core of the group, with a folder for it. */
export async function coreInit(context: CommandContext): Promise<CommandResult> {
  const { service, serverless, options } = context;
  const platform = await platformOf(context);
  const steps = platform.steps((name) => text(options, name), serverless.serviceDir);
  const group = text(options, 'group') ?? '';
  const core = await coreName(context, group);
  const out = path.resolve(
    serverless.serviceDir,
    text(options, 'out') ?? path.join(stageFolder(context), 'cores', group),
  );
  const { certificateId, change, facts, lines, warnings } = await initialiseCore(service, steps, {
    ...{ group, core, out, region: service.region },
    hosts: list(options, 'host'),
    port: portOf(text(options, 'port')),
    replace: isSet(options, 'replace'),
    authorityDir: path.join(stateFolder(serverless), 'authority'),
    bundles: path.join(__dirname, '..', 'edge'),
    connectivityUrl: await connectivityUrl(service),
    ...(service.local && { cloudCa: service.local.ca }),
  });
  const changes = groupChanges(change.before, change.after);
  const { revision } = change.after;
  return {
    json: { group, core, certificateId, out, ...facts, warnings, revision, changes },
    text: [...lines, ...warnings.map((warning) => `! ${warning}`)].join('\n'),
  };
}

/** The one that the group has, or that the service names for it. */
async function coreName({ service, configuration }: CommandContext, group: string): Promise<string> {
  const definition = await service.operator.definition(service.outputs.stateBucket, group);
  return definition?.core?.thingName ?? configuration().coreOf(group);
}

function platformOf({ options, configuration }: CommandContext): Promise<CorePlatform> {
  const given = text(options, 'platform') ?? platformOfEngine(configuration().section.engine.name);
  const known = Object.entries(CORE_PLATFORMS).find(([name]) => name === given)?.[1];
  if (known !== undefined) return known.load();
  throw new EdgeError('BAD_REQUEST', `--platform: found ${given}`, {
    expected: Object.keys(CORE_PLATFORMS).join(', '),
  });
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
