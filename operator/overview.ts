import { z } from 'zod';
import {
  coreStatusSchema,
  EdgeError,
  errorBodySchema,
  isActiveDevice,
  keys,
  parseJsonWith,
  wantedFunctions,
  type CoreStatus,
  type ErrorBody,
  type GroupDefinition,
} from '../protocol';
import type { ServiceAccess } from './changeGroup';
import { listFolders, listObjects, readText } from './objects';

/** What the engine wrote about one revision. */
export const deploymentRecordSchema = z.looseObject({
  group: z.string(),
  revision: z.int(),
  state: z.string(),
  /** ISO 8601. */
  at: z.string(),
  error: errorBodySchema.optional(),
});
export type DeploymentRecord = z.infer<typeof deploymentRecordSchema>;

export interface FunctionOverview {
  /** `<function>@<version>` */
  key: string;
  /** The operator put it there. */
  static: boolean;
  /** Devices that asked for it. */
  devices: string[];
  /** As the core reported it; `wanted` when it has not reported it yet. */
  state: CoreStatus['functions'][number]['state'] | 'wanted';
  error?: ErrorBody;
}

export interface GroupOverview {
  group: string;
  core?: string;
  devices: string[];
  /** The revision that should run. */
  revision: number;
  /** The last report of the core; absent when it never sent one, or longer ago than reports are kept. */
  edge?: {
    /** `stopping`: it said goodbye. */
    state: CoreStatus['state'];
    /** The revision that it runs. */
    revision: number;
    /** ISO 8601. A core reports when something changes, not to show that it lives. */
    lastSeen: string;
  };
  deployment?: DeploymentRecord;
  functions: FunctionOverview[];
}

/** Every group that has a definition, or those named. Throws GROUP_NOT_FOUND. */
export async function groupOverviews(
  access: ServiceAccess,
  only?: readonly string[],
): Promise<GroupOverview[]> {
  const names = only ?? (await access.operator.groupNames(access.outputs.stateBucket));
  return Promise.all(names.map((group) => groupOverview(access, group)));
}

async function groupOverview(access: ServiceAccess, group: string): Promise<GroupOverview> {
  const definition = await requireDefinition(access, group);
  const core = definition.core?.thingName;
  const [status, deployment] = await Promise.all([
    core === undefined ? undefined : latestStatus(access, core),
    readDeployment(access, group, definition.revision),
  ]);
  // A core that was in another group before has reports about that one.
  const edge = status?.group === group ? status : undefined;
  return {
    group,
    ...(core !== undefined && { core }),
    devices: Object.keys(definition.devices).filter((name) => isActiveDevice(definition, name)),
    revision: definition.revision,
    ...(edge && { edge: { state: edge.state, revision: edge.revision, lastSeen: edge.at } }),
    ...(deployment && { deployment }),
    functions: functionsOf(definition, edge),
  };
}

/** Throws GROUP_NOT_FOUND naming the groups that there are. */
export async function requireDefinition(
  { operator, outputs }: ServiceAccess,
  group: string,
): Promise<GroupDefinition> {
  const definition = await operator.definition(outputs.stateBucket, group);
  if (definition !== undefined) return definition;
  const names = await operator.groupNames(outputs.stateBucket);
  throw new EdgeError('GROUP_NOT_FOUND', `no group ${group} is deployed`, {
    expected: `one of ${names.join(', ') || '(none): sls deploy'}`,
  });
}

/** The youngest report: of the last boot, with the highest number. Keys sort as text. */
export async function latestStatus(
  { operator, outputs }: ServiceAccess,
  core: string,
): Promise<CoreStatus | undefined> {
  const { s3 } = operator.clients;
  const prefix = keys.coreStatuses(core);
  const boot = (await listFolders(s3, outputs.stateBucket, prefix)).at(-1);
  if (boot === undefined) return undefined;
  const last = (await listObjects(s3, outputs.stateBucket, `${prefix}${boot}/`)).at(-1);
  const text = last && (await readText(s3, outputs.stateBucket, last.key));
  return text === undefined ? undefined : parseJsonWith(coreStatusSchema, text, last?.key ?? prefix);
}

async function readDeployment(
  { operator, outputs }: ServiceAccess,
  group: string,
  revision: number,
): Promise<DeploymentRecord | undefined> {
  const key = keys.deployment(group, revision);
  const text = await readText(operator.clients.s3, outputs.stateBucket, key);
  return text === undefined ? undefined : parseJsonWith(deploymentRecordSchema, text, key);
}

/** What should run with what the core says about it, and what it still runs beside that. */
function functionsOf(definition: GroupDefinition, status: CoreStatus | undefined): FunctionOverview[] {
  const reported = new Map(status?.functions.map((each) => [each.key, each]));
  const wanted = wantedFunctions(definition).map((each): FunctionOverview => {
    const report = reported.get(each.key);
    reported.delete(each.key);
    return {
      key: each.key,
      static: each.static,
      devices: each.devices,
      state: report?.state ?? 'wanted',
      ...(report?.error && { error: report.error }),
    };
  });
  const others = [...reported.values()].map(({ key, state, error }): FunctionOverview => {
    return { key, static: false, devices: [], state, ...(error && { error }) };
  });
  return [...wanted, ...others];
}

/** A core whose last word was no goodbye. */
export function isAlive({ edge }: GroupOverview): boolean {
  return edge !== undefined && edge.state !== 'stopping';
}
