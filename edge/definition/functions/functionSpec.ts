import type { FunctionManifest } from '../../../protocol/manifest';
import type { GroupLimits } from './limits';
import type { FunctionSpec } from '../../../runtime/types';

/** An instance without a call for this long is ended. */
export const DEFAULT_IDLE_MS = 5 * 60_000;
/** Calls of one function that may wait for an instance. */
export const DEFAULT_MAX_QUEUE = 256;

export type ArnOf = (manifest: FunctionManifest) => string;

/** An edge has no account; the form is what handlers that parse the ARN expect. */
export const localArn: ArnOf = ({ name, version }) =>
  `arn:aws:lambda:edge:000000000000:function:${name}:${version}`;

/** What the host needs to run a version whose package is unpacked in `directory`. */
export function specOf(
  manifest: FunctionManifest,
  directory: string,
  arnOf: ArnOf,
  limits?: GroupLimits,
): FunctionSpec {
  return {
    directory,
    handler: manifest.handler,
    memoryMiB: manifest.memory,
    timeoutMs: manifest.timeout * 1000,
    environment: manifest.environment,
    maxInstances: Math.min(manifest.instances, limits?.instances ?? Infinity),
    maxQueue: DEFAULT_MAX_QUEUE,
    pinned: manifest.pinned,
    publishes: manifest.publishes ?? [],
    invokes: manifest.invokes ?? [],
    idleMs: DEFAULT_IDLE_MS,
    context: {
      functionName: manifest.name,
      functionVersion: manifest.version,
      invokedFunctionArn: arnOf(manifest),
    },
  };
}
