import { EdgeError } from '../../protocol';
import { readDeployManifest, readPackagedFunction } from './deployManifest';
import { readGroupFiles, type EdgePackage, type GroupFile } from '../groups/groupFiles';

export interface DeployPlan {
  packages: readonly EdgePackage[];
  groups: readonly GroupFile[];
}

/**
 * What was packaged, from the folder `edge` of a package directory. With `groups`, these alone. Throws
 * NOT_FOUND when nothing was packaged there, DIGEST_MISMATCH, GROUP_NOT_FOUND.
 */
export async function readPlan(edgeDir: string, groups?: readonly string[]): Promise<DeployPlan> {
  const files = await readGroupFiles(edgeDir);
  for (const group of groups ?? []) {
    if (files.some((file) => file.group === group)) continue;
    throw new EdgeError('GROUP_NOT_FOUND', `the service has no group ${group}`, {
      expected: `one of ${files.map((file) => file.group).join(', ') || '(none)'}`,
    });
  }
  return {
    packages: await readPackages(edgeDir),
    groups: files.filter(({ group }) => groups?.includes(group) ?? true),
  };
}

async function readPackages(edgeDir: string): Promise<EdgePackage[]> {
  const { packages } = await readDeployManifest(edgeDir);
  return Promise.all(
    packages.map(async (each) => ({ name: each.name, bytes: await readPackagedFunction(edgeDir, each) })),
  );
}
