import { EdgeError, type CloudInvokeRequest, type CloudInvokeResponse } from '../protocol';
import { openGroup, requireActiveDevice, requireUse, type Caller } from './access';
import type { Clock, CloudInvoker, Definitions, Registry } from './ports';
import { resolveVersion } from './registry/resolveVersion';

export interface CloudRemoteExecutionCall {
  group: string;
  function: string;
  caller: Caller;
  request: CloudInvokeRequest;
}

/**
 * System function: invokes a function in the cloud synchronously, at the version that
 * validateFunction would give. Throws its refusals, and those of `CloudInvoker.invoke`.
 */
export async function cloudRemoteExecution(
  call: CloudRemoteExecutionCall,
  ports: { definitions: Definitions; registry: Registry; cloud: CloudInvoker; clock: Clock },
): Promise<CloudInvokeResponse> {
  const { device, version, input } = call.request;
  const [group, index] = await Promise.all([
    ports.definitions.read(call.group),
    ports.registry.index(call.function),
  ]);
  const definition = openGroup(call.group, group, call.caller);
  requireActiveDevice(definition, device);
  const manifest = resolveVersion(call.function, index, version);
  requireUse(definition, manifest, device, 'cloud');
  if (manifest.cloud === undefined) {
    throw new EdgeError(
      'LOCATION_NOT_ALLOWED',
      `${manifest.name}@${manifest.version} has no Lambda function`,
    );
  }
  const started = ports.clock.now();
  const output = await ports.cloud.invoke(manifest.cloud, input);
  return { version: manifest.version, output, durationMs: ports.clock.now() - started };
}
