import {
  EdgeError,
  functionKey,
  wantedUpTo,
  type FunctionManifest,
  type GroupDefinition,
  type VersionFailure,
} from '../../protocol';
import type { Registry } from '../ports';
import type { FailedVersion } from './rollbackUpdate';

/**
 * Checks what a core says does not start: only versions that its group wants, and a fallback that the
 * registry knows. Throws FUNCTION_NOT_DEPLOYED, VERSION_NOT_FOUND.
 */
export async function authoriseFailures(
  failures: readonly VersionFailure[],
  definition: GroupDefinition,
  registry: Registry,
): Promise<FailedVersion[]> {
  return Promise.all(
    failures.map(async ({ running, ...failure }, n) => {
      const { function: name, version } = failure;
      if (wantedUpTo(definition, name, version) === undefined) {
        throw new EdgeError('FUNCTION_NOT_DEPLOYED', `the group does not want ${name}@${version}`, {
          field: `failures.${n}.version`,
          details: { function: name, version },
        });
      }
      if (running === undefined) return failure;
      const fallback = await manifestOf(name, running, definition, registry);
      if (fallback !== undefined) return { ...failure, fallback };
      throw new EdgeError('VERSION_NOT_FOUND', undefined, {
        field: `failures.${n}.running`,
        details: { function: name, version: running },
      });
    }),
  );
}

async function manifestOf(
  name: string,
  version: string,
  definition: GroupDefinition,
  registry: Registry,
): Promise<FunctionManifest | undefined> {
  const known = definition.functions[functionKey(name, version)];
  if (known !== undefined) return known;
  return (await registry.index(name))?.value.versions[version]?.manifest;
}
