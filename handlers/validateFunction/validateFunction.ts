import {
  entitledPatterns,
  requirePlatform,
  type ValidateRequest,
  type ValidateResponse,
} from '../../protocol';
import type { Caller } from '../definitions/access';
import { authoriseUse } from '../registry/authoriseUse';
import type { Definitions, Packages, Registry } from '../ports';

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
  const { definition, manifest } = await authoriseUse({ ...call, device, version, location }, ports);
  const answer = {
    manifest,
    devices: [...entitledPatterns(definition, manifest)],
    topics: { call: `call/${manifest.name}` },
  };
  if (location === 'cloud') return answer;
  requirePlatform(manifest, platform);
  return { ...answer, package: await ports.packages.locate(manifest) };
}
