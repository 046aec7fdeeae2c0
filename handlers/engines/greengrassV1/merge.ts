import { canonicalJson } from '../../../protocol';
import type {
  ContentKind,
  Core,
  Device,
  FunctionDefaultConfig,
  GroupContent,
  Resource,
  Subscription,
  V1Function,
} from './content';
import { isOwnId } from './entries';
import { keyOfEntry } from './functions';

interface Identified {
  Id?: string | undefined;
}

/** What an entry is about, whatever its id: V1 takes each once per definition version. */
const SUBJECTS: { [K in ContentKind]?: (entry: GroupContent[K][number]) => string | undefined } = {
  devices: ({ ThingArn }: Device) => ThingArn,
  resources: ({ Name }: Resource) => Name,
  subscriptions: ({ Source, Subject, Target }: Subscription) => [Source, Subject, Target].join('\n'),
};

/**
 * The entries of the next version: what the user put there stays as it is, of ours exactly these. What
 * ours are about is ours under any id, because an editor of the group may have given them others; so are
 * things in `gone`, of which there is nothing any more: a revoked device must not come back. A group
 * has one core, the definition's; loggers of the user are all that there is; functions are merged by `nextFunctions`.
 */
export function nextEntries<K extends Exclude<ContentKind, 'functions'>>(
  kind: K,
  current: GroupContent[K],
  own: GroupContent[K],
  gone: ReadonlySet<string>,
): GroupContent[K] {
  if (kind === 'cores') return withShadows(current as Core[], own as Core[]) as GroupContent[K];
  const subjectOf = SUBJECTS[kind] as ((entry: Identified) => string | undefined) | undefined;
  const ours = new Set(subjectOf && (own as Identified[]).map(subjectOf));
  const users = (current as Identified[]).filter((entry) => {
    const subject = subjectOf?.(entry);
    return !isOwnId(entry.Id) && (subject === undefined || !(ours.has(subject) || gone.has(subject)));
  });
  if (kind === 'loggers') return (users.length > 0 ? users : own) as GroupContent[K];
  const next = kind === 'devices' ? withShadows(current as Device[], own as Device[]) : own;
  return [...users, ...next] as GroupContent[K];
}

/** Whether the cloud gets a thing's shadow is for the user to say, such as in the console. */
function withShadows<T extends Core | Device>(current: readonly T[], own: readonly T[]): T[] {
  const shadows = new Map(current.map(({ ThingArn, SyncShadow }) => [ThingArn, SyncShadow]));
  return own.map((entry) => ({ ...entry, SyncShadow: shadows.get(entry.ThingArn) ?? entry.SyncShadow }));
}

/** Whether two versions deploy the same, in whatever order. */
export function sameEntries(left: readonly Identified[], right: readonly Identified[]): boolean {
  return comparable(left) === comparable(right);
}

function comparable(entries: readonly Identified[]): string {
  const sorted = [...entries].sort((a, b) => ((a.Id ?? '') < (b.Id ?? '') ? -1 : 1));
  return canonicalJson(JSON.parse(JSON.stringify(sorted)) as unknown);
}

/**
 * The functions of the next version: those that the user added, and of ours exactly these. What the user
 * attached to one of ours in the console stays attached, also to its next version: local resources,
 * secrets, access to /sys, the user and isolation that it runs with.
 */
export function nextFunctions(
  current: readonly V1Function[],
  own: readonly V1Function[],
  defaults: FunctionDefaultConfig | undefined,
  resources: readonly Resource[],
): V1Function[] {
  const ids = new Set(resources.map(({ Id }) => Id));
  const arns = new Set(own.map(({ FunctionArn }) => FunctionArn));
  const users: V1Function[] = [];
  const before = new Map<string, V1Function>();
  for (const entry of current) {
    // An editor of the group may have given our entries other ids.
    const isOurs = isOwnId(entry.Id) || arns.has(entry.FunctionArn) || keyOfEntry(entry) !== undefined;
    if (isOurs) before.set(unqualified(entry), entry);
    else users.push(entry);
  }
  const ours = own.map((entry) =>
    settled(withAttachments(entry, before.get(unqualified(entry)), ids), defaults),
  );
  return [...users, ...ours];
}

/** `resources` are the ids of those that the group has: with any other, no deployment of it succeeds. */
function withAttachments(
  entry: V1Function,
  before: V1Function | undefined,
  resources: ReadonlySet<string | undefined>,
): V1Function {
  const {
    AccessSysfs,
    Execution,
    ResourceAccessPolicies = [],
  } = before?.FunctionConfiguration?.Environment ?? {};
  const environment = entry.FunctionConfiguration?.Environment;
  const attached = ResourceAccessPolicies.filter(
    ({ ResourceId }) => !isOwnId(ResourceId) && resources.has(ResourceId),
  );
  const policies = [...(environment?.ResourceAccessPolicies ?? []), ...attached];
  return {
    ...entry,
    FunctionConfiguration: {
      ...entry.FunctionConfiguration,
      Environment: {
        ...environment,
        ...(AccessSysfs !== undefined && { AccessSysfs }),
        ...(Execution !== undefined && { Execution }),
        ...(policies.length > 0 && { ResourceAccessPolicies: policies }),
      },
    },
  };
}

/** A memory limit and resources belong to a container: without one, V1 wants them left out. */
function settled(entry: V1Function, defaults: FunctionDefaultConfig | undefined): V1Function {
  const environment = entry.FunctionConfiguration?.Environment;
  const isolation = environment?.Execution?.IsolationMode ?? defaults?.Execution?.IsolationMode;
  if (isolation !== 'NoContainer') return entry;
  const { MemorySize: _memory, ...configuration } = entry.FunctionConfiguration ?? {};
  const { ResourceAccessPolicies: _policies, AccessSysfs: _sysfs, ...rest } = environment ?? {};
  return { ...entry, FunctionConfiguration: { ...configuration, Environment: rest } };
}

/** `arn:aws:lambda:<region>:<account>:function:<name>` */
function unqualified({ FunctionArn = '' }: V1Function): string {
  return FunctionArn.split(':').slice(0, 7).join(':');
}
