import { EdgeError, highestMatching, type FunctionIndex, type FunctionManifest } from '../../protocol';
import type { Versioned } from '../ports';

/**
 * The version that a device gets: without a range the latest (not always the highest number), with
 * one the highest that matches. Throws FUNCTION_NOT_FOUND, VERSION_NOT_FOUND.
 */
export function resolveVersion(
  name: string,
  found: Versioned<FunctionIndex> | undefined,
  range: string | undefined,
): FunctionManifest {
  if (found === undefined) {
    throw new EdgeError('FUNCTION_NOT_FOUND', `no function "${name}" is registered`, {
      details: { function: name },
    });
  }
  const { latest, versions } = found.value;
  const version = range === undefined ? latest : highestMatching(Object.keys(versions), range);
  const entry = version === undefined ? undefined : versions[version];
  if (entry === undefined) {
    throw new EdgeError('VERSION_NOT_FOUND', `${name} has no version that matches "${range ?? latest}"`, {
      details: { function: name, version: range ?? latest },
    });
  }
  return entry.manifest;
}
