import { EdgeError } from '../errors';
import { functionKey, type FunctionManifest } from '../manifest';
import { matchesAnyDevicePattern } from '../names';
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

/** The versions that the group should run: derived from statics and live claims of live devices. */
export function wantedFunctions(definition: GroupDefinition): WantedFunction[] {
  const wanted = new Map<string, WantedFunction>();
  const want = (name: string, version: string): WantedFunction | undefined => {
    const key = functionKey(name, version);
    const manifest = definition.functions[key];
    if (manifest === undefined) return undefined;
    const entry = wanted.get(key) ?? { key, manifest, static: false, devices: [] };
    wanted.set(key, entry);
    return entry;
  };
  for (const [name, entry] of Object.entries(definition.statics)) {
    const found = entry.removed ? undefined : want(name, entry.version);
    if (found) found.static = true;
  }
  for (const [key, entry] of Object.entries(definition.claims)) {
    const { device, function: name } = splitClaimKey(key);
    if (entry.released || !isActiveDevice(definition, device)) continue;
    want(name, entry.version)?.devices.push(device);
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

/** The version that this device's claim holds, if it holds one. */
export function claimedVersion(
  definition: GroupDefinition,
  device: string,
  functionName: string,
): string | undefined {
  const claim = definition.claims[claimKey(device, functionName)];
  return claim === undefined || claim.released ? undefined : claim.version;
}

/** Whether a package of this digest belongs to the group, so that its core may fetch it. */
export function ownsDigest(definition: GroupDefinition, digest: string): FunctionManifest | undefined {
  return Object.values(definition.functions).find((manifest) => manifest.digest === digest);
}
