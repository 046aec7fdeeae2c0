import {
  highestMatching,
  wantedFunctions,
  type FunctionManifest,
  type GroupDefinition,
} from '../../protocol';
import type { Definitions } from '../ports';

/** Earlier revisions that are looked at. A version that a group has had for longer has no good one before it. */
const MAX_REVISIONS = 50;

/**
 * What the group had of a function before this version came: for engines that no longer see it, because
 * the failed version took its place first. Undefined when the function came with that version.
 */
export async function versionBefore(
  { group, revision: latest }: GroupDefinition,
  { name, version }: Pick<FunctionManifest, 'name' | 'version'>,
  definitions: Pick<Definitions, 'readRevision'>,
): Promise<FunctionManifest | undefined> {
  for (let revision = latest - 1; revision > 0 && revision >= latest - MAX_REVISIONS; revision--) {
    const earlier = await definitions.readRevision(group, revision);
    if (earlier === undefined) return undefined;
    const had = wantedFunctions(earlier)
      .map(({ manifest }) => manifest)
      .filter((manifest) => manifest.name === name);
    if (had.some((manifest) => manifest.version === version)) continue;
    const best = highestMatching(had.map((manifest) => manifest.version));
    return had.find((manifest) => manifest.version === best);
  }
  return undefined;
}
