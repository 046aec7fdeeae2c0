import {
  EdgeError,
  ownsDigest,
  type DeviceResponse,
  type FunctionManifest,
  type GroupDefinition,
  type PackageLocation,
} from '../../protocol';
import { openGroup, type Caller } from '../definitions/access';
import type { Definitions, DeviceDirectory, Packages, Requests } from '../ports';

export interface DefinitionCall {
  group: string;
  caller: Caller;
  /** An older revision; absent for the latest. */
  revision?: number;
  /** The value of the header: one ETag, a list, or `*`. */
  ifNoneMatch?: string;
}

export type DefinitionAnswer =
  { kind: 'definition'; definition: GroupDefinition; etag?: string } | { kind: 'unchanged'; etag: string };

/**
 * System function: a group's whole definition, the latest or of one revision, for its own core.
 * Throws GROUP_NOT_FOUND, CORE_NOT_AUTHORISED, REVISION_NOT_FOUND.
 */
export async function getGroupDefinition(
  call: DefinitionCall,
  { definitions }: { definitions: Definitions },
): Promise<DefinitionAnswer> {
  const found = await definitions.read(call.group);
  const definition = openGroup(call.group, found, call.caller);
  const etag = found?.etag ?? '';
  if (call.revision !== undefined && call.revision !== definition.revision) {
    return { kind: 'definition', definition: await revisionOf(call.group, call.revision, definitions) };
  }
  return matches(call.ifNoneMatch, etag)
    ? { kind: 'unchanged', etag }
    : { kind: 'definition', definition, etag };
}

/**
 * Where the core may fetch a package of its group. Throws GROUP_NOT_FOUND, CORE_NOT_AUTHORISED,
 * NOT_FOUND when neither the group's definition nor an update that is stored for it names such a digest.
 */
export async function getPackage(
  call: { group: string; caller: Caller; digest: string },
  ports: { definitions: Definitions; requests: Pick<Requests, 'pending'>; packages: Packages },
): Promise<PackageLocation> {
  const manifest = await ownedManifest(call, ports);
  if (manifest === undefined) {
    throw new EdgeError('NOT_FOUND', `group ${call.group} has no package of that digest`, {
      details: { digest: call.digest },
    });
  }
  return ports.packages.locate(manifest);
}

/** A claim is in force on its edge as soon as it is stored, so before the definition shows it. */
async function ownedManifest(
  { group, caller, digest }: { group: string; caller: Caller; digest: string },
  { definitions, requests }: { definitions: Definitions; requests: Pick<Requests, 'pending'> },
): Promise<FunctionManifest | undefined> {
  const inDefinition = async () =>
    ownsDigest(openGroup(group, await definitions.read(group), caller), digest);
  const found = await inDefinition();
  if (found !== undefined) return found;
  for (const { update } of await requests.pending(group)) {
    const pending = ownsDigest(update, digest);
    if (pending !== undefined) return pending;
  }
  // It may have been absorbed between the two reads.
  return inDefinition();
}

/**
 * The thing behind a certificate, for a device that the core has never met. Throws GROUP_NOT_FOUND,
 * CORE_NOT_AUTHORISED, UNKNOWN_DEVICE, and DEVICE_REVOKED when the group has revoked it.
 */
export async function getDevice(
  call: { group: string; caller: Caller; certificateId: string },
  { definitions, devices }: { definitions: Definitions; devices: DeviceDirectory },
): Promise<DeviceResponse> {
  const { certificateId } = call;
  const definition = openGroup(call.group, await definitions.read(call.group), call.caller);
  const found = await devices.find(certificateId);
  if (found === undefined) throw new EdgeError('UNKNOWN_DEVICE', undefined, { details: { certificateId } });
  if (definition.devices[found.thingName]?.revoked) {
    throw new EdgeError('DEVICE_REVOKED', undefined, { details: { device: found.thingName } });
  }
  return { thingName: found.thingName, certificateId };
}

async function revisionOf(
  group: string,
  revision: number,
  definitions: Definitions,
): Promise<GroupDefinition> {
  const definition = await definitions.readRevision(group, revision);
  if (definition !== undefined) return definition;
  throw new EdgeError('REVISION_NOT_FOUND', undefined, { details: { group, revision } });
}

/** RFC 9110: comparison is weak, so the `W/` of a proxy does not count. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header
    .split(',')
    .map((part) => part.trim().replace(/^W\//, ''))
    .some((part) => part === '*' || part === etag);
}
