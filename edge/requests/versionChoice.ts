import {
  claimedVersion,
  highestMatching,
  satisfies,
  staticVersion,
  type GroupDefinition,
} from '../../protocol';
import type { LocalFunction, LocalFunctions } from '../ports';

/**
 * The running version that serves this device: with a range the highest that matches; without one
 * the version that the device's claim holds, else the operator's, else the highest.
 */
export function chooseRunning(
  local: Pick<LocalFunctions, 'list'>,
  definition: GroupDefinition,
  device: string,
  functionName: string,
  range?: string,
): LocalFunction | undefined {
  const running = local.list().filter((f) => f.state === 'running' && f.manifest.name === functionName);
  if (running.length === 0) return undefined;
  const find = (version: string | undefined) =>
    version === undefined ? undefined : running.find((f) => f.manifest.version === version);
  if (range !== undefined) return find(range) ?? find(highest(running, range));
  return (
    find(claimedVersion(definition, device, functionName)) ??
    find(staticVersion(definition, functionName)) ??
    find(highest(running))
  );
}

/** A version of the function that is about to run here. */
export function findComing(
  local: Pick<LocalFunctions, 'list'>,
  functionName: string,
  range?: string,
): LocalFunction | undefined {
  return local
    .list()
    .find(
      ({ state, manifest }) =>
        (state === 'fetching' || state === 'starting') &&
        manifest.name === functionName &&
        satisfies(manifest.version, range),
    );
}

function highest(functions: readonly LocalFunction[], range?: string): string | undefined {
  return highestMatching(
    functions.map((f) => f.manifest.version),
    range,
  );
}
