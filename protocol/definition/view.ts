import { EdgeError } from '../errors';
import { functionKey, type FunctionManifest } from '../manifest';
import { matchesAnyDevicePattern } from '../names';
import { effectiveVersion } from './rollbacks';
import { claimKey, splitClaimKey, type GroupDefinition } from './schema';

/** Questions that a group definition answers. Pure. */

export interface WantedFunction {
  /** `name@version` */
  key: string;
  manifest: FunctionManifest;
  /** The operator put it there ahead of any request. */
  static: boolean;
  /** Devices whose claims hold it. */
  devices: string[];
}

/**
 * The versions that the group should run: derived from statics and live claims of live devices. In the
 * place of one that is known not to run here stands its fallback, if there is one.
 */
export function wantedFunctions(definition: GroupDefinition): WantedFunction[] {
  const wanted = new Map<string, WantedFunction>();
  const want = (name: string, version: string | undefined): WantedFunction | undefined => {
    if (version === undefined) return undefined;
    const key = functionKey(name, version);
    const manifest = definition.functions[key];
    if (manifest === undefined) return undefined;
    const entry = wanted.get(key) ?? { key, manifest, static: false, devices: [] };
    wanted.set(key, entry);
    return entry;
  };
  for (const [name, entry] of Object.entries(definition.statics)) {
    const found = entry.removed ? undefined : want(name, effectiveVersion(definition, name, entry, 'static'));
    if (found) found.static = true;
  }
  for (const [key, entry] of Object.entries(definition.claims)) {
    const { device, function: name } = splitClaimKey(key);
    if (entry.released || !isActiveDevice(definition, device)) continue;
    want(name, effectiveVersion(definition, name, entry, 'claims'))?.devices.push(device);
  }
  return [...wanted.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

export function isActiveDevice(definition: GroupDefinition, thingName: string): boolean {
  const entry = definition.devices[thingName];
  return entry !== undefined && entry.revoked === undefined;
}

/** The device that presents this certificate, and whether it was revoked. */
export function deviceOfCertificate(
  definition: GroupDefinition,
  certificateId: string,
): { thingName: string; revoked: boolean } | undefined {
  for (const [thingName, entry] of Object.entries(definition.devices)) {
    if (entry.certificateId === certificateId) return { thingName, revoked: entry.revoked === true };
  }
  return undefined;
}

/** The device patterns in force for a function: the group's own, else those of the manifest. */
export function entitledPatterns(definition: GroupDefinition, manifest: FunctionManifest): readonly string[] {
  return definition.entitlements[manifest.name]?.devices ?? manifest.devices;
}

/** Throws NOT_ENTITLED when the device may not use the function in this group. */
export function requireEntitled(
  definition: GroupDefinition,
  manifest: FunctionManifest,
  device: string,
): void {
  if (matchesAnyDevicePattern(entitledPatterns(definition, manifest), device)) return;
  throw new EdgeError('NOT_ENTITLED', `${device} may not use ${manifest.name}`, {
    details: { device, function: manifest.name },
  });
}

/** Throws NOT_PERMITTED unless the configuration of the calling function lists the other one. */
export function requireInvokes(
  caller: Pick<FunctionManifest, 'name' | 'invokes'>,
  functionName: string,
): void {
  if (caller.invokes?.includes(functionName)) return;
  throw new EdgeError('NOT_PERMITTED', `${caller.name} may not call ${functionName}`, {
    details: { caller: caller.name, function: functionName },
  });
}

/** Throws CORE_NOT_AUTHORISED unless this thing with this certificate is the core of the group. */
export function requireCore(
  definition: GroupDefinition,
  caller: { certificateId: string; thingName?: string },
): void {
  const core = definition.core;
  const isCore =
    core !== undefined &&
    core.certificateId === caller.certificateId &&
    (caller.thingName === undefined || caller.thingName === core.thingName);
  if (!isCore) {
    throw new EdgeError('CORE_NOT_AUTHORISED', undefined, { details: { group: definition.group } });
  }
}

/** The version that serves this device's claim, if it has one that something serves. */
export function claimedVersion(
  definition: GroupDefinition,
  device: string,
  functionName: string,
): string | undefined {
  const claim = definition.claims[claimKey(device, functionName)];
  if (claim === undefined || claim.released) return undefined;
  return effectiveVersion(definition, functionName, claim, 'claims');
}

/** The version that serves in the operator's name, if one does. */
export function staticVersion(definition: GroupDefinition, functionName: string): string | undefined {
  const entry = definition.statics[functionName];
  if (entry === undefined || entry.removed) return undefined;
  return effectiveVersion(definition, functionName, entry, 'static');
}

/** The version that this device's claim names, if it has one, whether or not that version serves it. */
export function heldVersion(
  definition: GroupDefinition,
  device: string,
  functionName: string,
): string | undefined {
  const claim = definition.claims[claimKey(device, functionName)];
  return claim === undefined || claim.released ? undefined : claim.version;
}

/** The manifest of the package of this digest, if a definition or an update of the group names it. */
export function ownsDigest(
  { functions }: Pick<GroupDefinition, 'functions'>,
  digest: string,
): FunctionManifest | undefined {
  return Object.values(functions).find((manifest) => manifest.digest === digest);
}
