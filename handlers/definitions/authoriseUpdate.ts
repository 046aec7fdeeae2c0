import {
  claimKey,
  EdgeError,
  functionKey,
  type CoreUpdate,
  type FunctionIndex,
  type FunctionManifest,
  type GroupDefinition,
  type StoredUpdate,
} from '../../protocol';
import { requireActiveDevice, requireUse } from './access';
import type { Definitions, DeviceDirectory, Registry, Versioned } from '../ports';
import { authoriseFailures } from './authoriseFailures';
import { rollbackRegisters } from './rollbackUpdate';

export interface AuthorisePorts {
  definitions: Definitions;
  registry: Registry;
  devices: DeviceDirectory;
}

type Registers = Pick<StoredUpdate, 'devices' | 'claims' | 'functions' | 'rollbacks'>;
type Claim = CoreUpdate['claims'][number];
type Join = CoreUpdate['joins'][number];

/**
 * Checks what a core wants changed in its group, and gives the registers to store. One bad entry
 * refuses the whole update with an error that names it (`claims.2.version`). Throws UNKNOWN_DEVICE,
 * DEVICE_REVOKED, FUNCTION_NOT_FOUND, VERSION_NOT_FOUND, NOT_ENTITLED, LOCATION_NOT_ALLOWED, and for
 * failures FUNCTION_NOT_DEPLOYED.
 */
export async function authoriseUpdate(
  update: CoreUpdate,
  definition: GroupDefinition,
  { registry, devices }: AuthorisePorts,
): Promise<Registers> {
  const claimed = new Set(update.claims.filter(({ released }) => !released).map((claim) => claim.function));
  const [indexes, , failures] = await Promise.all([
    Promise.all([...claimed].map(async (name) => [name, await registry.index(name)] as const)),
    Promise.all(update.joins.map((join, n) => authoriseJoin(join, `joins.${n}`, definition, devices))),
    authoriseFailures(update.failures ?? [], definition, registry),
  ]);
  const known = new Map(indexes);
  const withJoins = joined(definition, update.joins);
  const registers: Registers = { devices: joinedDevices(update.joins), claims: {}, functions: {} };
  update.claims.forEach((claim, n) => {
    const manifest = authoriseClaim(claim, `claims.${n}`, withJoins, known.get(claim.function));
    if (manifest) registers.functions[functionKey(manifest.name, manifest.version)] = manifest;
    addClaim(registers.claims, claim);
  });
  if (failures.length === 0) return registers;
  // What the same update takes back needs no rollback.
  const { rollbacks, functions } = rollbackRegisters(withClaims(definition, registers.claims), failures);
  return { ...registers, rollbacks, functions: { ...registers.functions, ...functions } };
}

async function authoriseJoin(
  { device, certificateId }: Join,
  field: string,
  definition: GroupDefinition,
  devices: DeviceDirectory,
): Promise<void> {
  const entry = definition.devices[device];
  if (entry?.revoked) {
    throw new EdgeError('DEVICE_REVOKED', undefined, { field: `${field}.device`, details: { device } });
  }
  if (entry?.source === 'operator' && entry.certificateId !== certificateId) {
    // The operator's word outranks a core's: storing the join would silently change nothing.
    throw unknownDevice(`the operator lists ${device} with another certificate`, field, device);
  }
  const found = await devices.find(certificateId);
  if (found?.thingName !== device) {
    throw unknownDevice(`no active certificate of that id is attached to ${device}`, field, device);
  }
}

function unknownDevice(message: string, field: string, device: string): EdgeError {
  return new EdgeError('UNKNOWN_DEVICE', message, { field: `${field}.certificateId`, details: { device } });
}

/** The manifest of the claimed version; none for a release, which needs no more than a device of the group. */
function authoriseClaim(
  claim: Claim,
  field: string,
  definition: GroupDefinition,
  found: Versioned<FunctionIndex> | undefined,
): FunctionManifest | undefined {
  if (claim.released && definition.devices[claim.device] !== undefined) return undefined;
  within(`${field}.device`, () => requireActiveDevice(definition, claim.device));
  const manifest = registered(claim, field, found);
  within(`${field}.function`, () => requireUse(definition, manifest, claim.device, 'edge'));
  return manifest;
}

function registered(
  claim: Claim,
  field: string,
  found: Versioned<FunctionIndex> | undefined,
): FunctionManifest {
  const details = { function: claim.function, version: claim.version };
  if (found === undefined) {
    throw new EdgeError('FUNCTION_NOT_FOUND', undefined, { field: `${field}.function`, details });
  }
  const entry = found.value.versions[claim.version];
  if (entry !== undefined) return entry.manifest;
  throw new EdgeError('VERSION_NOT_FOUND', undefined, { field: `${field}.version`, details });
}

function within(field: string, check: () => void): void {
  try {
    check();
  } catch (thrown) {
    if (!(thrown instanceof EdgeError)) throw thrown;
    throw EdgeError.fromJSON({ ...thrown.toJSON(), field });
  }
}

function joinedDevices(joins: readonly Join[]): StoredUpdate['devices'] {
  return Object.fromEntries(
    joins.map(({ device, certificateId, seq }) => [device, { certificateId, source: 'core' as const, seq }]),
  );
}

/** The definition as it will be for the claims of the same update. */
function joined(definition: GroupDefinition, joins: readonly Join[]): GroupDefinition {
  return { ...definition, devices: { ...joinedDevices(joins), ...definition.devices } };
}

function withClaims(definition: GroupDefinition, claims: StoredUpdate['claims']): GroupDefinition {
  const newer = Object.entries(claims).filter(([key, { seq }]) => seq > (definition.claims[key]?.seq ?? -1));
  return { ...definition, claims: { ...definition.claims, ...Object.fromEntries(newer) } };
}

/** Two entries of one update for the same claim: the higher sequence number wins, as in the merge. */
function addClaim(claims: StoredUpdate['claims'], claim: Claim): void {
  const key = claimKey(claim.device, claim.function);
  const { version, seq, released } = claim;
  const other = claims[key];
  if (other === undefined || other.seq <= seq) claims[key] = { version, seq, ...(released && { released }) };
}
