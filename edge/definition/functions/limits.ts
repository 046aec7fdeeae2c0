import type { WantedFunction } from '../../../protocol/definition/view';
import { EdgeError } from '../../../protocol/errors';

/** What a group allows its edge. Storage and memory in MiB, instances per edge. */
export interface GroupLimits {
  storage: number;
  memory: number;
  instances: number;
}

/**
 * The functions for which the group's limits leave no room, counting one instance of each: what the
 * operator preloads comes first, then what already runs, then the rest by name. Pure.
 */
export function refusedByLimits(
  target: readonly WantedFunction[],
  limits: GroupLimits | undefined,
  isRunning: (key: string) => boolean,
): Map<string, EdgeError> {
  const refused = new Map<string, EdgeError>();
  if (limits === undefined) return refused;
  const rank = (wanted: WantedFunction) => (wanted.static ? 0 : isRunning(wanted.key) ? 1 : 2);
  const inOrder = [...target].sort((a, b) => rank(a) - rank(b) || (a.key < b.key ? -1 : 1));
  let [memory, instances] = [0, 0];
  for (const { key, manifest } of inOrder) {
    const fits = memory + manifest.memory <= limits.memory && instances < limits.instances;
    if (fits) [memory, instances] = [memory + manifest.memory, instances + 1];
    else refused.set(key, noRoom(limits));
  }
  return refused;
}

function noRoom({ memory, instances }: GroupLimits): EdgeError {
  return new EdgeError('EDGE_LIMIT_EXCEEDED', undefined, { details: { memoryMiB: memory, instances } });
}
