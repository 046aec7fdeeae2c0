import { compareVersions, EdgeError, type FunctionIndex } from '../../protocol';
import { text, type CommandContext, type CommandResult } from './command';
import { bytes, shortDigest, table } from './format';

/** `sls edge functions`: the registry. */
export async function functions({ service, options }: CommandContext): Promise<CommandResult> {
  const { operator, outputs } = service;
  const only = text(options, 'function');
  const names = only === undefined ? await operator.functionNames(outputs.stateBucket) : [only];
  const indexes = await Promise.all(names.map((name) => operator.functionIndex(outputs.stateBucket, name)));
  const found = indexes.filter((index) => index !== undefined);
  if (only !== undefined && found.length === 0) {
    throw new EdgeError('FUNCTION_NOT_FOUND', `${only} is not registered`);
  }
  const all = found.map(describe);
  return { json: { functions: all }, text: textOf(all) };
}

type Described = ReturnType<typeof describe>;

function describe({ name, latest, versions }: FunctionIndex) {
  const newestFirst = Object.entries(versions).sort(([a], [b]) => compareVersions(b, a));
  return {
    name,
    latest,
    versions: newestFirst.map(([version, { manifest, registeredAt }]) => ({
      version,
      digest: manifest.digest,
      size: manifest.size,
      locations: manifest.locations,
      devices: manifest.devices,
      memory: manifest.memory,
      timeout: manifest.timeout,
      registeredAt,
      ...(manifest.cloud && { cloud: manifest.cloud }),
    })),
  };
}

function textOf(all: readonly Described[]): string {
  if (all.length === 0) return 'No function is registered: sls deploy, or sls edge deploy';
  const rows = all.flatMap(({ name, latest, versions }) =>
    versions.map((each, at) => [
      at === 0 ? name : '',
      `${each.version}${each.version === latest ? ' (latest)' : ''}`,
      shortDigest(each.digest),
      bytes(each.size),
      each.locations.join(', '),
      each.devices.join(', '),
      each.registeredAt.slice(0, 16).replace('T', ' '),
    ]),
  );
  return table(['function', 'version', 'digest', 'size', 'runs in', 'devices', 'registered (UTC)'], rows);
}
