import {
  EdgeError,
  requireInvokes,
  splitFunctionKey,
  type FunctionManifest,
  type GroupDefinition,
  type Location,
} from '../../protocol';
import {
  openGroup,
  requireActiveDevice,
  requireLocation,
  requireUse,
  type Caller,
} from '../definitions/access';
import type { Definitions, Registry } from '../ports';
import { resolveVersion } from './resolveVersion';

export interface WantedUse {
  group: string;
  function: string;
  caller: Caller;
  device: string;
  /** `name@version` of the function on the edge that calls by its own right; absent: the device calls. */
  by?: string | undefined;
  /** Exact version or semver range; absent: the latest. */
  version: string | undefined;
  location: Location;
}

/**
 * May this device use this function, at this version, in this location? The one answer for every way to
 * a function over HTTP. Two object reads, whatever the size of the registry. Throws GROUP_NOT_FOUND,
 * CORE_NOT_AUTHORISED, UNKNOWN_DEVICE, DEVICE_REVOKED, FUNCTION_NOT_FOUND, VERSION_NOT_FOUND,
 * NOT_ENTITLED, LOCATION_NOT_ALLOWED, and for a function that calls NOT_PERMITTED.
 */
export async function authoriseUse(
  wanted: WantedUse,
  ports: { definitions: Definitions; registry: Registry },
): Promise<{ definition: GroupDefinition; manifest: FunctionManifest }> {
  const [group, index] = await Promise.all([
    ports.definitions.read(wanted.group),
    ports.registry.index(wanted.function),
  ]);
  const definition = openGroup(wanted.group, group, wanted.caller);
  requireActiveDevice(definition, wanted.device);
  const manifest = resolveVersion(wanted.function, index, wanted.version);
  if (wanted.by === undefined) {
    requireUse(definition, manifest, wanted.device, wanted.location);
  } else {
    await requireCallingFunction(definition, wanted.by, wanted.function, ports.registry);
    requireLocation(manifest, wanted.location);
  }
  return { definition, manifest };
}

/**
 * What a function may call was decided with its version; the registry says it, not the core. A version
 * that is being replaced may still finish its calls: it is enough that the group wants the function.
 */
async function requireCallingFunction(
  definition: GroupDefinition,
  key: string,
  functionName: string,
  registry: Registry,
): Promise<void> {
  const { name, version } = splitFunctionKey(key);
  const isWanted = Object.values(definition.functions).some((manifest) => manifest.name === name);
  const caller = isWanted ? (await registry.index(name))?.value.versions[version]?.manifest : undefined;
  if (caller === undefined) {
    throw new EdgeError('NOT_PERMITTED', `${key} is no function of group ${definition.group}`, {
      details: { caller: key, function: functionName },
    });
  }
  requireInvokes(caller, functionName);
}
