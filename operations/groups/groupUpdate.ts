import { isDeepStrictEqual } from 'node:util';
import {
  DEFAULT_EDGE_LOG_LEVEL,
  functionKey,
  splitClaimKey,
  type Delivery,
  type EdgeLogLevel,
  type FunctionManifest,
  type GroupDefinition,
  type StoredUpdate,
} from '../../protocol';

/** What the operator wants of a group. Limits in MiB, MiB and count. */
export interface WantedGroup {
  group: string;
  core?: { thingName: string; certificateId: string };
  devices?: readonly { thingName: string; certificateId: string }[];
  /** All functions that are put there ahead of any request; what is missing is taken away. Absent: no change. */
  statics?: readonly FunctionManifest[];
  limits?: { storage: number; memory: number; instances: number };
  engine?: { delivery: Delivery; targetArn?: string | undefined };
  logs?: { level: EdgeLogLevel };
}

/** What a core does whose definition says nothing. */
const DEFAULT_LOGS = { level: DEFAULT_EDGE_LOG_LEVEL, seq: 0 };

export interface UpdateMeta {
  requestId: string;
  /** ISO 8601. */
  receivedAt: string;
  operator: string;
}

/** An operator's update of nothing. Its request id must be new. */
export function emptyUpdate(group: string, meta: UpdateMeta): StoredUpdate {
  return {
    requestId: meta.requestId,
    group,
    origin: { kind: 'operator', name: meta.operator },
    receivedAt: meta.receivedAt,
    devices: {},
    statics: {},
    entitlements: {},
    claims: {},
    functions: {},
  };
}

/**
 * The update that brings `current` to what is wanted: only registers that differ, each one number
 * higher than now. Claims are the devices' own and stay. Undefined when nothing differs. Pure.
 */
export function operatorUpdate(
  current: GroupDefinition | undefined,
  wanted: WantedGroup,
  meta: UpdateMeta,
): StoredUpdate | undefined {
  const statics = wanted.statics ?? [];
  const core = wanted.core && change(current?.core, identityOf(wanted.core));
  const limits = wanted.limits && change(current?.limits, wanted.limits);
  const engine = wanted.engine && change(current?.engine, wanted.engine);
  const logs = wanted.logs && change(current?.logs ?? DEFAULT_LOGS, wanted.logs);
  const devices = changes(current?.devices, wantedDevices(current, wanted));
  const named = changes(
    current?.statics,
    statics.map(({ name, version }) => [name, { version }]),
  );
  const removed = wanted.statics === undefined ? {} : tombstones(current?.statics ?? {}, statics);
  const nothing =
    core === undefined &&
    limits === undefined &&
    engine === undefined &&
    logs === undefined &&
    [devices, named, removed].every((entries) => Object.keys(entries).length === 0);
  if (nothing) return undefined;
  return {
    ...emptyUpdate(wanted.group, meta),
    ...(core && { core }),
    ...(limits && { limits }),
    ...(engine && { engine }),
    ...(logs && { logs }),
    devices,
    statics: { ...named, ...removed },
    functions: Object.fromEntries(statics.map((each) => [functionKey(each.name, each.version), each])),
  };
}

/** A function to take away from a group. */
export interface Undeployment {
  function: string;
  /** Only what this device asked for; what the operator put there stays. */
  device?: string;
}

/**
 * The update that takes a function away: its static entry and the claims on it become tombstones, each
 * one number higher than now. A core numbers above every claim of the definition, so a device that asks
 * again afterwards gets the function again. Undefined when nobody has it. Pure.
 */
export function undeployUpdate(
  current: GroupDefinition | undefined,
  { function: name, device }: Undeployment,
  meta: UpdateMeta,
): StoredUpdate | undefined {
  if (current === undefined) return undefined;
  const named = device === undefined ? Object.entries(current.statics).filter(([key]) => key === name) : [];
  const statics = named
    .filter(([, entry]) => !entry.removed)
    .map(([key, { version, seq }]) => [key, { version, removed: true as const, seq: seq + 1 }]);
  const claims = Object.entries(current.claims)
    .filter(([key, { released }]) => {
      const claim = splitClaimKey(key);
      return !released && claim.function === name && (device === undefined || claim.device === device);
    })
    .map(([key, { version, seq }]) => [key, { version, released: true as const, seq: seq + 1 }]);
  if (statics.length + claims.length === 0) return undefined;
  return {
    ...emptyUpdate(current.group, meta),
    statics: Object.fromEntries(statics) as StoredUpdate['statics'],
    claims: Object.fromEntries(claims) as StoredUpdate['claims'],
  };
}

/**
 * The update with which these versions take the place of others of their functions: what the operator put
 * there, and what devices asked for, whose claims move, each one number higher than now. Undefined when the
 * group uses none of them in another version. Pure.
 */
export function versionUpdate(
  current: GroupDefinition | undefined,
  manifests: readonly FunctionManifest[],
  meta: UpdateMeta,
): StoredUpdate | undefined {
  if (current === undefined) return undefined;
  const used: Record<string, FunctionManifest> = {};
  const moved = <T extends { version: string; seq: number }>(name: string, entry: T): T | undefined => {
    const manifest = manifests.find((each) => each.name === name);
    if (manifest === undefined || manifest.version === entry.version) return undefined;
    used[functionKey(name, manifest.version)] = manifest;
    return { ...entry, version: manifest.version, seq: entry.seq + 1 };
  };
  const statics = Object.entries(current.statics).flatMap(([name, entry]) => {
    const next = entry.removed ? undefined : moved(name, entry);
    return next === undefined ? [] : [[name, next] as const];
  });
  const claims = Object.entries(current.claims).flatMap(([key, entry]) => {
    const next = entry.released ? undefined : moved(splitClaimKey(key).function, entry);
    return next === undefined ? [] : [[key, next] as const];
  });
  if (statics.length + claims.length === 0) return undefined;
  return {
    ...emptyUpdate(current.group, meta),
    statics: Object.fromEntries(statics),
    claims: Object.fromEntries(claims),
    functions: used,
  };
}

/**
 * The update that revokes a device: its certificate counts no more in this group, and what it asked for
 * is released, so that nothing of it comes back should the device return with another certificate.
 * Undefined when the group has no such device, or no more. Pure.
 */
export function revokeUpdate(
  current: GroupDefinition | undefined,
  thingName: string,
  meta: UpdateMeta,
): StoredUpdate | undefined {
  const entry = current?.devices[thingName];
  if (current === undefined || entry === undefined || entry.revoked) return undefined;
  const { certificateId, seq } = entry;
  const claims = Object.entries(current.claims)
    .filter(([key, { released }]) => !released && splitClaimKey(key).device === thingName)
    .map(([key, claim]) => [key, { version: claim.version, released: true as const, seq: claim.seq + 1 }]);
  return {
    ...emptyUpdate(current.group, meta),
    devices: { [thingName]: { certificateId, source: 'operator', revoked: true, seq: seq + 1 } },
    claims: Object.fromEntries(claims) as StoredUpdate['claims'],
  };
}

/** Whether a definition holds every register of the update, or a later one. */
export function hasAbsorbed(definition: GroupDefinition, update: StoredUpdate): boolean {
  const reached = (now: { seq: number } | undefined, then: { seq: number } | undefined): boolean =>
    then === undefined || (now !== undefined && now.seq >= then.seq);
  const all = <T extends { seq: number }>(now: Record<string, T>, then: Record<string, T>): boolean =>
    Object.entries(then).every(([key, entry]) => reached(now[key], entry));
  return (
    reached(definition.core, update.core) &&
    reached(definition.limits, update.limits) &&
    reached(definition.engine, update.engine) &&
    reached(definition.logs, update.logs) &&
    all(definition.devices, update.devices) &&
    all(definition.statics, update.statics) &&
    all(definition.entitlements, update.entitlements) &&
    all(definition.claims, update.claims)
  );
}

/** A revoked certificate stays revoked; with another one the device is welcome again. */
function wantedDevices(current: GroupDefinition | undefined, { devices = [] }: WantedGroup) {
  return devices
    .filter(({ thingName, certificateId }) => {
      const now = current?.devices[thingName];
      return now?.revoked !== true || now.certificateId !== certificateId;
    })
    .map(
      ({ thingName, certificateId }) => [thingName, { certificateId, source: 'operator' as const }] as const,
    );
}

/** These fields alone: callers have more to say of a thing, such as where its files are. */
function identityOf({ thingName, certificateId }: { thingName: string; certificateId: string }) {
  return { thingName, certificateId };
}

function change<T extends object>(
  current: { seq: number } | undefined,
  wanted: T,
): (T & { seq: number }) | undefined {
  if (current !== undefined) {
    const { seq: _seq, ...now } = current;
    if (isDeepStrictEqual(now, { ...wanted })) return undefined;
  }
  return { ...wanted, seq: (current?.seq ?? 0) + 1 };
}

function changes<T extends { seq: number }>(
  current: Record<string, T> | undefined,
  wanted: readonly (readonly [string, Omit<T, 'seq'>])[],
): Record<string, Omit<T, 'seq'> & { seq: number }> {
  const changed: Record<string, Omit<T, 'seq'> & { seq: number }> = {};
  for (const [key, entry] of wanted) {
    const next = change(current?.[key], entry);
    if (next !== undefined) changed[key] = next;
  }
  return changed;
}

function tombstones(
  current: GroupDefinition['statics'],
  wanted: readonly FunctionManifest[],
): GroupDefinition['statics'] {
  const names = new Set(wanted.map(({ name }) => name));
  return Object.fromEntries(
    Object.entries(current)
      .filter(([name, entry]) => !names.has(name) && !entry.removed)
      .map(([name, entry]) => [name, { version: entry.version, removed: true as const, seq: entry.seq + 1 }]),
  );
}
