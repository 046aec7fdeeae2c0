import {
  boundedReason,
  functionKey,
  splitFunctionKey,
  wantedUpTo,
  type ErrorBody,
  type FunctionManifest,
  type GroupDefinition,
  type RollbackEntry,
  type StoredUpdate,
} from '../../protocol';

/** A version that does not run on a group. */
export interface FailedVersion {
  function: string;
  version: string;
  error: ErrorBody;
  /** The last good version, which serves in its place; left out, nothing does. */
  fallback?: FunctionManifest;
  /** The claims and the static for which it failed; left out: all that the definition has of this version. */
  upTo?: RollbackEntry['upTo'];
}

export type RollbackMeta = Pick<StoredUpdate, 'requestId' | 'receivedAt' | 'origin'>;

/**
 * The update that rolls failed versions back: claims and the static of such a version, as `definition`
 * has them, get the last good version or none. For `failures` seen by an engine, `definition` is the
 * one that was deployed: what was asked for since is tried. A failure that `definition` does not want
 * adds nothing, and the same failure again changes nothing. Pure.
 */
export function rollbackUpdate(
  definition: GroupDefinition,
  failures: readonly FailedVersion[],
  meta: RollbackMeta,
): StoredUpdate {
  return {
    ...meta,
    group: definition.group,
    devices: {},
    statics: {},
    entitlements: {},
    claims: {},
    ...rollbackRegisters(definition, failures),
  };
}

/** The registers of `rollbackUpdate` alone. */
export function rollbackRegisters(
  definition: GroupDefinition,
  failures: readonly FailedVersion[],
): { rollbacks: Record<string, RollbackEntry>; functions: StoredUpdate['functions'] } {
  const rollbacks: Record<string, RollbackEntry> = {};
  const functions: StoredUpdate['functions'] = {};
  for (const failure of failures) {
    const entry = rollbackOf(definition, failure);
    if (entry === undefined) continue;
    rollbacks[functionKey(failure.function, failure.version)] = entry;
    if (entry.fallback === undefined) continue;
    const key = functionKey(failure.function, entry.fallback);
    const manifest =
      failure.fallback?.version === entry.fallback ? failure.fallback : definition.functions[key];
    if (manifest !== undefined) functions[key] = manifest;
  }
  return { rollbacks, functions };
}

function rollbackOf(definition: GroupDefinition, failure: FailedVersion): RollbackEntry | undefined {
  const { function: name, version, error } = failure;
  const wanted = wantedUpTo(definition, name, version);
  if (wanted === undefined) return undefined;
  // No more than the definition holds: what will be asked for is always tried.
  const upTo = {
    claims: Math.min(wanted.claims, failure.upTo?.claims ?? wanted.claims),
    static: Math.min(wanted.static, failure.upTo?.static ?? wanted.static),
  };
  const before = definition.rollbacks?.[functionKey(name, version)];
  if (before !== undefined && upTo.claims <= before.upTo.claims && upTo.static <= before.upTo.static) {
    return before;
  }
  const fallback = failure.fallback?.version ?? before?.fallback;
  return {
    error: boundedReason(error),
    ...(fallback !== undefined && fallback !== version && { fallback }),
    upTo: {
      claims: Math.max(upTo.claims, before?.upTo.claims ?? 0),
      static: Math.max(upTo.static, before?.upTo.static ?? 0),
    },
    seq: 1 + highestSeq(definition, name),
  };
}

/** Numbers rise per function: the definition keeps the youngest of each. */
function highestSeq(definition: GroupDefinition, functionName: string): number {
  const ofFunction = Object.entries(definition.rollbacks ?? {}).filter(
    ([key]) => splitFunctionKey(key).name === functionName,
  );
  return Math.max(0, ...ofFunction.map(([, { seq }]) => seq));
}
