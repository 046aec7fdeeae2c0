import type { FunctionDefaultConfig, Resource, V1Function } from './content';
import { keyOfEntry } from './functions';
import { isOwnId } from './ids';

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
  const [users, before]: [V1Function[], Map<string, V1Function>] = [[], new Map()];
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
