import { EdgeError, type CloudInvokeRequest, type CloudInvokeResponse } from '../../protocol';
import type { Caller } from '../definitions/access';
import { authoriseUse } from '../registry/authoriseUse';
import type { WallClock, CloudInvoker, Definitions, Registry } from '../ports';

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
  ports: { definitions: Definitions; registry: Registry; cloud: CloudInvoker; clock: WallClock },
): Promise<CloudInvokeResponse> {
  const { device, version, input, caller: by } = call.request;
  const { manifest } = await authoriseUse({ ...call, device, by, version, location: 'cloud' }, ports);
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
