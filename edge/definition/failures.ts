import {
  boundedReason,
  functionKey,
  highestMatching,
  isDefinitive,
  wantedFunctions,
  wantedUpTo,
  type Failure,
  type GroupDefinition,
} from '../../protocol';
import type { LocalFunction, LocalFunctions } from '../ports';
import type { RunHistory } from './runHistory';

/**
 * What the cloud is told of a function that did not start for `definition`: the reason, for which claims
 * and static it was tried, and the version that serves on or served last. Undefined when another attempt may succeed or
 * the definition does not want it.
 */
export function failureOf(
  { manifest: { name, version }, error }: LocalFunction,
  definition: GroupDefinition,
  local: Pick<LocalFunctions, 'list'>,
  history: Pick<RunHistory, 'lastRunOf'>,
): Failure | undefined {
  const upTo = wantedUpTo(definition, name, version);
  if (error === undefined || upTo === undefined || !isDefinitive(error)) return undefined;
  const running = lastGood(name, version, definition, { local, history });
  return {
    function: name,
    version,
    error: boundedReason(error),
    ...(running !== undefined && { running }),
    upTo,
  };
}

/**
 * The version that the failed one should have replaced, also one that is gone by now: Greengrass does not
 * wait for a new version to load. Else the highest that runs.
 */
function lastGood(
  name: string,
  failed: string,
  definition: GroupDefinition,
  { local, history }: { local: Pick<LocalFunctions, 'list'>; history: Pick<RunHistory, 'lastRunOf'> },
): string | undefined {
  const running = local
    .list()
    .filter(({ state, manifest }) => state === 'running' && manifest.name === name)
    .map(({ manifest: { version } }) => version);
  const last = history.lastRunOf(name);
  const wanted = new Set(wantedFunctions(definition).map(({ key }) => key));
  const isReplaced = (version: string) => !wanted.has(functionKey(name, version));
  const replaced = running.filter(isReplaced);
  const gone = last !== undefined && isReplaced(last) ? [last] : [];
  const candidates = [replaced, gone, running].find((some) => some.length > 0) ?? [];
  return highestMatching(candidates.filter((version) => version !== failed));
}
