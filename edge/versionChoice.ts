import { claimedVersion, highestMatching, staticVersion, type GroupDefinition } from '../protocol';
import type { LocalFunction, LocalFunctions } from './ports';

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

function highest(functions: readonly LocalFunction[], range?: string): string | undefined {
  return highestMatching(
    functions.map((f) => f.manifest.version),
    range,
  );
}
