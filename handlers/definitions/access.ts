import {
  EdgeError,
  requireCore,
  requireEntitled,
  type FunctionManifest,
  type GroupDefinition,
  type Location,
} from '../../protocol';
import type { Versioned } from '../ports';

/** Who calls over HTTP: the session name of its role is the core's certificate id. */
export interface Caller {
  certificateId: string;
}

/** The group's definition for its own core. Throws GROUP_NOT_FOUND, CORE_NOT_AUTHORISED. */
export function openGroup(
  group: string,
  found: Versioned<GroupDefinition> | undefined,
  caller: { certificateId: string; thingName?: string },
): GroupDefinition {
  if (found === undefined) throw new EdgeError('GROUP_NOT_FOUND', undefined, { details: { group } });
  requireCore(found.value, caller);
  return found.value;
}

/** Throws UNKNOWN_DEVICE or DEVICE_REVOKED. */
export function requireActiveDevice(definition: GroupDefinition, device: string): void {
  const entry = definition.devices[device];
  if (entry === undefined) {
    throw new EdgeError('UNKNOWN_DEVICE', `${device} is no device of group ${definition.group}`, {
      details: { device },
    });
  }
  if (entry.revoked) throw new EdgeError('DEVICE_REVOKED', undefined, { details: { device } });
}

/** May this device use this function there? Throws LOCATION_NOT_ALLOWED, NOT_ENTITLED. */
export function requireUse(
  definition: GroupDefinition,
  manifest: FunctionManifest,
  device: string,
  location: Location,
): void {
  requireEntitled(definition, manifest, device);
  requireLocation(manifest, location);
}

/** Throws LOCATION_NOT_ALLOWED. */
export function requireLocation(manifest: FunctionManifest, location: Location): void {
  if (!manifest.locations.includes(location)) {
    throw new EdgeError('LOCATION_NOT_ALLOWED', `${manifest.name} does not run at location "${location}"`, {
      field: 'location',
      expected: manifest.locations.join(' or '),
      details: { locations: manifest.locations },
    });
  }
}
