import {
  boundedReason,
  highestMatching,
  isDefinitive,
  wantedFunctions,
  wantedUpTo,
  type Failure,
  type GroupDefinition,
} from '../protocol';
import type { LocalFunction, LocalFunctions } from './ports';

/**
 * What the cloud is told of a function that did not start for `definition`: the reason, for which claims
 * and static it was tried, and the version that serves on. Undefined when another attempt may succeed or
 * the definition does not want it.
 */
export function failureOf(
  { manifest: { name, version }, error }: LocalFunction,
  definition: GroupDefinition,
  local: Pick<LocalFunctions, 'list'>,
): Failure | undefined {
  const upTo = wantedUpTo(definition, name, version);
  if (error === undefined || upTo === undefined || !isDefinitive(error)) return undefined;
  const running = lastGood(name, version, definition, local);
  return {
    function: name,
    version,
    error: boundedReason(error),
    ...(running !== undefined && { running }),
    upTo,
  };
}

/** The version that the failed one should have replaced; else the highest that runs. */
function lastGood(
  name: string,
  failed: string,
  definition: GroupDefinition,
  local: Pick<LocalFunctions, 'list'>,
): string | undefined {
  const running = local
    .list()
    .filter(
      ({ state, manifest }) => state === 'running' && manifest.name === name && manifest.version !== failed,
    );
  const wanted = new Set(wantedFunctions(definition).map(({ key }) => key));
  const replaced = running.filter(({ key }) => !wanted.has(key));
  const candidates = replaced.length > 0 ? replaced : running;
  return highestMatching(candidates.map(({ manifest }) => manifest.version));
}
