import type { FunctionManifest, GroupDefinition, Location } from '../protocol';
import { openGroup, requireActiveDevice, requireUse, type Caller } from './access';
import type { Definitions, Registry } from './ports';
import { resolveVersion } from './registry/resolveVersion';

export interface WantedUse {
  group: string;
  function: string;
  caller: Caller;
  device: string;
  /** Exact version or semver range; absent: the latest. */
  version: string | undefined;
  location: Location;
}

/**
 * May this device use this function, at this version, in this location? The one answer for every way to
 * a function over HTTP. Two object reads, whatever the size of the registry. Throws GROUP_NOT_FOUND,
 * CORE_NOT_AUTHORISED, UNKNOWN_DEVICE, DEVICE_REVOKED, FUNCTION_NOT_FOUND, VERSION_NOT_FOUND,
 * NOT_ENTITLED, LOCATION_NOT_ALLOWED.
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
  requireUse(definition, manifest, wanted.device, wanted.location);
  return { definition, manifest };
}
