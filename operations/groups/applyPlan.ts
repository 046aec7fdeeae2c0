import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import {
  EdgeError,
  highestMatching,
  isActiveDevice,
  keys,
  matchesAnyDevicePattern,
  type FunctionManifest,
  type GroupDefinition,
} from '../../protocol';
import { requireDefinition } from '../inspection/overview';
import { readText } from '../objects';
import { poll, type PollOptions } from '../poll';
import { newMeta, updateGroup, type ChangeOptions, type OperatorAccess } from './changeGroup';
import { groupChanges, onDemand, type DefinitionChange } from './groupChanges';
import type { GroupFile } from './groupFiles';
import { emptyUpdate } from './groupUpdate';
import { inParallel } from '../../lib/concurrency';
import type { DeployPlan } from '../packages/plan';
import { noteNamedDevices } from './namedDevices';
import { registerChanged, type RegisteredPackage } from '../packages/registerPackages';
import { letDiscover, syncThingGroup } from '../things/membership';

/** A thing with the certificate that it presents. */
interface ThingIdentity {
  thingName: string;
  certificateId: string;
}

export interface PlanPorts extends OperatorAccess {
  /**
   * The certificate of a thing; `current` is the one that the group has for it now. Undefined when it
   * has none: a thing that was never provisioned is left out of the group, and told of.
   */
  identify: (
    thingName: string,
    role: 'core' | 'device',
    current: string | undefined,
  ) => Promise<ThingIdentity | undefined>;
  /** One line about what is under way; undefined when that is done. */
  progress?: (topic: string, text: string | undefined) => void;
}

export interface AppliedGroup {
  group: string;
  definition: GroupDefinition;
  changes: DefinitionChange[];
  /** `<function>@<version>` that devices brought in and that stay, with the devices. */
  onDemand: Record<string, string[]>;
  /** Things that have no certificate yet. */
  missing: { core?: string; devices: string[] };
  /** Devices that the service named before and names no more; they are devices of the group still. */
  dropped: string[];
  /** Things that the service names with a certificate that was revoked in this group. */
  revoked: string[];
  /** What went wrong without stopping anything. */
  warnings: string[];
}

export interface AppliedPlan {
  packages: RegisteredPackage[];
  groups: AppliedGroup[];
}

/**
 * What follows once the stack is there: packages into the registry, then each group's definition, which
 * the engine brings to its edge. The same for AWS and for the local cloud. No group changes before every
 * package is registered. Throws EdgeError: the code of a refused package, FUNCTION_NOT_FOUND,
 * VERSION_NOT_FOUND, TIMED_OUT.
 */
export async function applyPlan(
  plan: DeployPlan,
  ports: PlanPorts,
  options: ChangeOptions = {},
): Promise<AppliedPlan> {
  const packages = await registerChanged(ports, plan.packages, {
    ...options,
    progress: (name, state) => {
      ports.progress?.(`package ${name}`, state === 'registered' ? undefined : `${name}: ${state}`);
    },
  });
  const cores = new Set(plan.groups.map(({ core }) => core));
  const known = { cores, thingNames: once(() => ports.operator.thingNames()) };
  const groups = await Promise.all(plan.groups.map((file) => applyGroup(file, known, ports, options)));
  return { packages, groups };
}

/** What all groups of a roll-out share. */
interface Known {
  cores: ReadonlySet<string>;
  /** Every thing of the account, which may be many: listed once, and only for patterns. */
  thingNames: () => Promise<string[]>;
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => (answer ??= ask());
}

async function applyGroup(
  file: GroupFile,
  known: Known,
  ports: PlanPorts,
  options: ChangeOptions,
): Promise<AppliedGroup> {
  const { group, limits, engine, logs } = file;
  ports.progress?.(`group ${group}`, `group ${group}: storing its definition`);
  const current = await ports.operator.definition(ports.outputs.stateBucket, group);
  const statics = await Promise.all(file.statics.map((wanted) => findManifest(ports, wanted)));
  const core = await ports.identify(file.core, 'core', certificateNow(current?.core, file.core));
  const { devices, missing } = await identifyDevices(file, known, current, ports);
  const { before, after } = await updateGroup(
    ports,
    {
      group,
      ...(core && { core }),
      devices,
      statics,
      ...(limits && { limits }),
      ...(engine && { engine }),
      ...(logs && { logs }),
    },
    options,
  );
  const found = devices.map(({ thingName }) => thingName);
  const dropped = await noteNamedDevices(ports, after, file.devices, found);
  const active = found.filter((name) => isActiveDevice(after, name));
  const warnings = [
    ...(core === undefined ? [] : await letDiscover(ports, core.thingName, active)),
    ...(await joinThingGroup(ports, file, { before, after })),
  ];
  ports.progress?.(`group ${group}`, undefined);
  return {
    group,
    definition: after,
    changes: groupChanges(before, after),
    onDemand: onDemand(after),
    missing: { ...(core === undefined && { core: file.core }), devices: missing },
    dropped,
    revoked: found.filter((name) => !active.includes(name)),
    warnings,
  };
}

function certificateNow(core: GroupDefinition['core'], thingName: string): string | undefined {
  return core?.thingName === thingName ? core.certificateId : undefined;
}

/** Names stand for themselves; patterns for the things that exist and have a certificate, but are no core. */
async function identifyDevices(
  { devices: wanted }: GroupFile,
  { cores, thingNames }: Known,
  current: GroupDefinition | undefined,
  { identify }: PlanPorts,
): Promise<{ devices: ThingIdentity[]; missing: string[] }> {
  const isPattern = (text: string): boolean => /[*?]/.test(text);
  const named = new Set(wanted.filter((name) => !isPattern(name)));
  const patterns = wanted.filter(isPattern);
  const existing = patterns.length === 0 ? [] : await thingNames();
  const matching = existing.filter((name) => !cores.has(name) && matchesAnyDevicePattern(patterns, name));
  const names = [...new Set([...named, ...matching])];
  const found = await inParallel(names, 16, (name) =>
    identify(name, 'device', current?.devices[name]?.certificateId),
  );
  return {
    devices: found.filter((identity) => identity !== undefined),
    missing: names.filter((name, at) => named.has(name) && found[at] === undefined),
  };
}

/** Throws FUNCTION_NOT_FOUND, VERSION_NOT_FOUND. */
export async function findManifest(
  { operator, outputs }: OperatorAccess,
  wanted: GroupFile['statics'][number],
): Promise<FunctionManifest> {
  const index = await operator.functionIndex(outputs.stateBucket, wanted.function);
  if (index === undefined) throw new EdgeError('FUNCTION_NOT_FOUND', `${wanted.function} is not registered`);
  const version =
    wanted.version === undefined
      ? index.latest
      : highestMatching(Object.keys(index.versions), wanted.version);
  const entry = version === undefined ? undefined : index.versions[version];
  if (entry !== undefined) return entry.manifest;
  throw new EdgeError('VERSION_NOT_FOUND', `${wanted.function} has no version ${wanted.version ?? ''}`);
}

/** Of a group whose things the stack makes. Nothing else depends on it. */
async function joinThingGroup(
  { operator }: OperatorAccess,
  { thingGroup, core, devices }: GroupFile,
  change: { before: GroupDefinition; after: GroupDefinition },
): Promise<string[]> {
  if (thingGroup === undefined) return [];
  const named = [core, ...devices.filter((name) => !/[*?]/.test(name))];
  try {
    await syncThingGroup(operator.clients.iot, thingGroup, change, named);
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [`the members of thing group ${thingGroup} are not as they should be: ${reason}`];
  }
}

/**
 * Identities as the cloud's registry has them: the certificate that the group has now as long as it is
 * active, else the youngest active one.
 */
export function registeredIdentity({ operator }: OperatorAccess): PlanPorts['identify'] {
  return async (thingName, _role, current) => {
    const active = await operator.activeCertificatesOf(thingName);
    const certificateId = active.find((id) => id === current) ?? active[0];
    return certificateId === undefined ? undefined : { thingName, certificateId };
  };
}

/**
 * Lets the engine roll out the definition that a group has, once more. A revision without a record was
 * perhaps never announced, so `performDeployment` applies it again; an update of nothing wakes it.
 * Resolves once the engine has written its record anew. Throws GROUP_NOT_FOUND, TIMED_OUT.
 */
export async function reannounce(
  access: OperatorAccess,
  group: string,
  options?: PollOptions,
): Promise<number> {
  const { operator, outputs } = access;
  const { s3 } = operator.clients;
  const bucket = outputs.stateBucket;
  const { revision } = await requireDefinition(access, group);
  const Key = keys.deployment(group, revision);
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
  await operator.submitUpdate(bucket, emptyUpdate(group, newMeta()));
  await poll(`the deployment of group ${group}`, options, async () => {
    const now = await operator.definition(bucket, group);
    return readText(s3, bucket, keys.deployment(group, now?.revision ?? revision));
  });
  return revision;
}
