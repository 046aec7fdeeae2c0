import { canonicalJson } from '../canonicalJson';
import type { FunctionManifest } from '../manifest';
import { functionKey, splitFunctionKey } from '../manifest';
import { splitClaimKey, type GroupDefinition, type RollbackEntry, type StoredUpdate } from './schema';

/**
 * The merge of definition updates: for each register the entry with the higher rank wins. The rank
 * is a total order, so any order, any duplicates and any batching of the same updates give the same
 * definition. Pure; touches no revision.
 */
export function mergeUpdates(base: GroupDefinition, updates: readonly StoredUpdate[]): GroupDefinition {
  const merged = updates.reduce(mergeOne, base);
  return { ...merged, functions: referencedManifests(merged) };
}

/** The merge with its revision: one higher when the content changed, else `base` itself. */
export function nextDefinition(base: GroupDefinition, updates: readonly StoredUpdate[]): GroupDefinition {
  const merged = mergeUpdates(base, updates);
  if (canonicalJson(merged) === canonicalJson(base)) return base;
  return { ...merged, revision: base.revision + 1 };
}

interface Register {
  seq: number;
  source?: 'operator' | 'core';
}

function mergeOne(base: GroupDefinition, update: StoredUpdate): GroupDefinition {
  const core = higher(base.core, update.core);
  const limits = higher(base.limits, update.limits);
  const engine = higher(base.engine, update.engine);
  const logs = higher(base.logs, update.logs);
  return {
    ...base,
    ...(core && { core }),
    ...(limits && { limits }),
    ...(engine && { engine }),
    ...(logs && { logs }),
    devices: mergeRecord(base.devices, update.devices),
    statics: mergeRecord(base.statics, update.statics),
    entitlements: mergeRecord(base.entitlements, update.entitlements),
    claims: mergeRecord(base.claims, update.claims),
    ...mergeRollbacks(base.rollbacks, update.rollbacks),
    functions: { ...update.functions, ...base.functions },
  };
}

function mergeRecord<T extends Register>(
  base: Record<string, T>,
  update: Record<string, T>,
): Record<string, T> {
  const merged = { ...base };
  for (const [key, entry] of Object.entries(update)) {
    merged[key] = higher(merged[key], entry) ?? entry;
  }
  return merged;
}

/** Rollbacks that a definition keeps per function. */
export const MAX_ROLLBACKS_PER_FUNCTION = 8;

/**
 * Keeps the youngest rollbacks of each function, so that a definition does not grow for ever. Leaving
 * out those that cover nothing now would not commute: a claim that they cover may still be on its way.
 */
function mergeRollbacks(
  base: Record<string, RollbackEntry> | undefined,
  update: Record<string, RollbackEntry> | undefined,
): Pick<GroupDefinition, 'rollbacks'> {
  if (base === undefined && update === undefined) return {};
  const byFunction = new Map<string, [string, RollbackEntry][]>();
  for (const [key, entry] of Object.entries(mergeRecord(base ?? {}, update ?? {}))) {
    const { name } = splitFunctionKey(key);
    byFunction.set(name, [...(byFunction.get(name) ?? []), [key, entry]]);
  }
  const youngest = [...byFunction.values()].flatMap((entries) =>
    entries
      .sort(([keyA, a], [keyB, b]) => compareRank(b, a) || (keyA < keyB ? -1 : 1))
      .slice(0, MAX_ROLLBACKS_PER_FUNCTION),
  );
  return { rollbacks: Object.fromEntries(youngest) };
}

function higher<T extends Register>(left: T | undefined, right: T | undefined): T | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return compareRank(left, right) >= 0 ? left : right;
}

function compareRank(left: Register, right: Register): number {
  const bySource = Number(left.source === 'operator') - Number(right.source === 'operator');
  if (bySource !== 0) return bySource;
  if (left.seq !== right.seq) return left.seq - right.seq;
  // Two writers took the same number: any rule will do so long as everyone applies the same one.
  const [a, b] = [canonicalJson(left), canonicalJson(right)];
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Keeps only manifests that some live entry names, so that a definition does not grow for ever. */
function referencedManifests(definition: GroupDefinition): Record<string, FunctionManifest> {
  const wanted = new Set<string>();
  for (const [name, entry] of Object.entries(definition.statics)) {
    if (!entry.removed) wanted.add(functionKey(name, entry.version));
  }
  for (const [key, entry] of Object.entries(definition.claims)) {
    if (!entry.released) wanted.add(functionKey(splitClaimKey(key).function, entry.version));
  }
  for (const [key, { fallback }] of Object.entries(definition.rollbacks ?? {})) {
    if (fallback !== undefined) wanted.add(functionKey(splitFunctionKey(key).name, fallback));
  }
  return Object.fromEntries(Object.entries(definition.functions).filter(([key]) => wanted.has(key)));
}
