import { entitledPatterns, requirePlatform, type ValidateRequest, type ValidateResponse } from '../protocol';
import { openGroup, requireActiveDevice, requireUse, type Caller } from './access';
import type { Definitions, Packages, Registry } from './ports';
import { resolveVersion } from './registry/resolveVersion';

export interface ValidateFunctionCall {
  group: string;
  function: string;
  caller: Caller;
  request: ValidateRequest;
}

/**
 * System function: may this device use this function, at this version, in this location? Answers all
 * that the edge needs to run it (stage I). Two object reads, whatever the size of the registry.
 * Throws GROUP_NOT_FOUND, CORE_NOT_AUTHORISED, UNKNOWN_DEVICE, DEVICE_REVOKED, FUNCTION_NOT_FOUND,
 * VERSION_NOT_FOUND, NOT_ENTITLED, LOCATION_NOT_ALLOWED, PLATFORM_NOT_SUPPORTED.
 */
export async function validateFunction(
  call: ValidateFunctionCall,
  ports: { definitions: Definitions; registry: Registry; packages: Packages },
): Promise<ValidateResponse> {
  const { device, version, location, platform } = call.request;
  const [group, index] = await Promise.all([
    ports.definitions.read(call.group),
    ports.registry.index(call.function),
  ]);
  const definition = openGroup(call.group, group, call.caller);
  requireActiveDevice(definition, device);
  const manifest = resolveVersion(call.function, index, version);
  requireUse(definition, manifest, device, location);
  const answer = {
    manifest,
    devices: [...entitledPatterns(definition, manifest)],
    topics: { call: `call/${manifest.name}` },
  };
  if (location === 'cloud') return answer;
  requirePlatform(manifest, platform);
  return { ...answer, package: await ports.packages.locate(manifest) };
}
