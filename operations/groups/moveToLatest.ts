import { satisfies, type FunctionManifest } from '../../protocol';
import { registerChanged, type RegisteredPackage } from '../packages/registerPackages';
import { changeGroup, type ChangeOptions, type GroupChange, type OperatorAccess } from './changeGroup';
import { findManifest } from './applyPlan';
import type { EdgePackage, GroupFile } from './groupFiles';
import { versionUpdate } from './groupUpdate';

export interface MovedFunctions {
  packages: RegisteredPackage[];
  /** Groups in which something moved. */
  groups: GroupChange[];
}

/**
 * Registers packages, and moves to them whoever uses an older version of their functions: devices get the new
 * code without asking again. What a group preloads in a version of its own stays. Throws as
 * `registerChanged` and `changeGroup`.
 */
export async function moveToLatest(
  access: OperatorAccess,
  packages: readonly EdgePackage[],
  files: readonly Pick<GroupFile, 'group' | 'statics'>[],
  options: ChangeOptions = {},
): Promise<MovedFunctions> {
  const registered = await registerChanged(access, packages, options);
  const manifests = await Promise.all(
    registered.map(({ name, version }) => findManifest(access, { function: name, version })),
  );
  const changes = await Promise.all(
    files.map(({ group, statics }) => {
      const fitting = manifests.filter((manifest) => fits(manifest, statics));
      return changeGroup(access, group, (current, meta) => versionUpdate(current, fitting, meta), options);
    }),
  );
  const groups = changes.filter(({ before, after }) => before.revision !== after.revision);
  return { packages: registered, groups };
}

function fits({ name, version }: FunctionManifest, statics: GroupFile['statics']): boolean {
  return statics.every((wanted) => wanted.function !== name || satisfies(version, wanted.version));
}
