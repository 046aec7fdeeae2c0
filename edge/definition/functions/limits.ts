import type { WantedFunction } from '../../../protocol/definition/view';
import { EdgeError } from '../../../protocol/errors';
import type { FunctionManifest } from '../../../protocol/manifest';

/** What a group allows its edge. Storage and memory in MiB, instances per edge. */
export interface GroupLimits {
  storage: number;
  memory: number;
  instances: number;
}

/**
 * The functions for which the group's limits leave no room, whatever else rests: pinned ones keep an
 * instance for good, what the operator preloads before the others, then what already runs, then by name;
 * any other needs to fit beside these, and takes its turn with its like (InstanceBudget). Pure.
 */
export function refusedByLimits(
  target: readonly WantedFunction[],
  limits: GroupLimits | undefined,
  isRunning: (key: string) => boolean,
): Map<string, EdgeError> {
  const refused = new Map<string, EdgeError>();
  if (limits === undefined) return refused;
  const rank = (wanted: WantedFunction) => (wanted.static ? 0 : isRunning(wanted.key) ? 1 : 2);
  const pinnedFirst = [...target].sort(
    (a, b) =>
      Number(b.manifest.pinned) - Number(a.manifest.pinned) || rank(a) - rank(b) || (a.key < b.key ? -1 : 1),
  );
  let [memory, instances] = [0, 0];
  for (const { key, manifest } of pinnedFirst) {
    const fits = memory + manifest.memory <= limits.memory && instances < limits.instances;
    if (!fits) refused.set(key, noRoom(manifest, limits));
    else if (manifest.pinned) [memory, instances] = [memory + manifest.memory, instances + 1];
  }
  return refused;
}

function noRoom({ name, memory: needed }: FunctionManifest, { memory, instances }: GroupLimits): EdgeError {
  return new EdgeError(
    'EDGE_LIMIT_EXCEEDED',
    `${name} needs ${needed} MiB beside what is pinned, the group allows ${memory} MiB and ${instances} instances`,
    { details: { memoryMiB: memory, instances } },
  );
}
