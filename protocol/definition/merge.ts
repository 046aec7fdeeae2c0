import { canonicalJson } from '../canonicalJson';
import type { FunctionManifest } from '../manifest';
import { functionKey } from '../manifest';
import { splitClaimKey, type GroupDefinition, type StoredUpdate } from './schema';

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
  return {
    ...base,
    ...(core && { core }),
    ...(limits && { limits }),
    ...(engine && { engine }),
    devices: mergeRecord(base.devices, update.devices),
    statics: mergeRecord(base.statics, update.statics),
    entitlements: mergeRecord(base.entitlements, update.entitlements),
    claims: mergeRecord(base.claims, update.claims),
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
  return Object.fromEntries(Object.entries(definition.functions).filter(([key]) => wanted.has(key)));
}
