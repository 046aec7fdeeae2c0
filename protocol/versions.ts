import semver from 'semver';
import { z } from 'zod';

/**
 * A version as a device asks for it: exact, a semver range, or absent for the latest.
 * Ranges follow node-semver's grammar (`^1`, `~2.3`, `>=1 <3`).
 */
export const versionRangeSchema = z
  .string()
  .min(1)
  .max(64)
  .refine((range) => semver.validRange(range) !== null, {
    error: 'expected an exact semantic version or a semver range such as "^1"',
  })
  .describe('Exact version, or a range in the grammar of node-semver: 1.4.0, ^1, ~2.3, >=1 <3.');

/** The highest of `versions` that `range` admits; without a range the highest of all. */
export function highestMatching(versions: readonly string[], range?: string): string | undefined {
  return (
    semver.maxSatisfying([...versions], range ?? '*', { includePrerelease: range === undefined }) ?? undefined
  );
}

export function satisfies(version: string, range?: string): boolean {
  return range === undefined || semver.satisfies(version, range);
}

export function compareVersions(left: string, right: string): number {
  return semver.compare(left, right);
}

/** The next patch number; after a pre-release, its release (`1.0.0-beta.1` → `1.0.0`). */
export function nextPatch(version: string): string {
  const next = semver.inc(version, 'patch');
  if (next === null) throw new TypeError(`not a version: ${version}`);
  return next;
}
