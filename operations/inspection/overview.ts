import { z } from 'zod';
import {
  coreStatusSchema,
  EdgeError,
  errorBodySchema,
  isActiveDevice,
  keys,
  parseJsonWith,
  rollbacksInForce,
  wantedFunctions,
  type CoreStatus,
  type ErrorBody,
  type GroupDefinition,
  type Rollback,
} from '../../protocol';
import type { OperatorAccess } from '../groups/changeGroup';
import { objectsBelow, readText } from '../objects';

/** What the engine wrote about one revision. */
export const revisionRecordSchema = z.looseObject({
  group: z.string(),
  revision: z.int(),
  state: z.string(),
  /** ISO 8601. */
  at: z.string(),
  error: errorBodySchema.optional(),
});
type RevisionRecord = z.infer<typeof revisionRecordSchema>;

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
  edge?:
    | undefined
    | {
        /** `stopping`: it said goodbye. */
        state: CoreStatus['state'];
        /** The revision that it runs. */
        revision: number;
        /** ISO 8601, by the clock of the cloud. */
        lastSeen: string;
        /** Three heartbeats have passed without a report, and it has not said goodbye. */
        missing: boolean;
      };
  deployment?: RevisionRecord;
  functions: FunctionOverview[];
  /** Versions that are asked for and do not run here, with what serves in their place. */
  rollbacks: Rollback[];
}

/** Every group that has a definition, or those named. Throws GROUP_NOT_FOUND. */
export async function groupOverviews(
  access: OperatorAccess,
  only?: readonly string[],
): Promise<GroupOverview[]> {
  const names = only ?? (await access.operator.groupNames(access.outputs.stateBucket));
  return Promise.all(names.map((group) => groupOverview(access, group)));
}

async function groupOverview(access: OperatorAccess, group: string): Promise<GroupOverview> {
  const definition = await requireDefinition(access, group);
  const core = definition.core?.thingName;
  const [status, deployment] = await Promise.all([
    core === undefined ? undefined : latestStatus(access, core),
    readDeployment(access, group, definition.revision),
  ]);
  // A core that was in another group before has reports about that one.
  const seen = status?.report.group === group ? status : undefined;
  return {
    group,
    ...(core !== undefined && { core }),
    devices: Object.keys(definition.devices).filter((name) => isActiveDevice(definition, name)),
    revision: definition.revision,
    ...(seen && { edge: edgeOf(seen) }),
    ...(deployment && { deployment }),
    functions: functionsOf(definition, seen?.report),
    rollbacks: rollbacksInForce(definition),
  };
}

/** The group that is named; without a name, every group of the service. */
export async function groupsNamed(
  { operator, outputs }: OperatorAccess,
  only: string | undefined,
): Promise<string[]> {
  return only === undefined ? operator.groupNames(outputs.stateBucket) : [only];
}

/** Throws GROUP_NOT_FOUND naming the groups that there are. */
export async function requireDefinition(
  { operator, outputs }: OperatorAccess,
  group: string,
): Promise<GroupDefinition> {
  const definition = await operator.definition(outputs.stateBucket, group);
  if (definition !== undefined) return definition;
  const names = await operator.groupNames(outputs.stateBucket);
  throw new EdgeError('GROUP_NOT_FOUND', `no group ${group} is deployed`, {
    expected: `one of ${names.join(', ') || '(none): sls deploy'}`,
  });
}

interface SeenStatus {
  report: CoreStatus;
  /** When the cloud stored it, in milliseconds since the epoch. */
  at: number;
}

/** Reports that are read beside the heartbeat: one may be stored after a few that are younger. */
const YOUNGEST = 8;

/** The youngest report of a core: of the last boot, with the highest number. */
export async function latestStatus(
  { operator, outputs }: OperatorAccess,
  core: string,
): Promise<SeenStatus | undefined> {
  const { s3 } = operator.clients;
  const all = await objectsBelow(s3, outputs.stateBucket, keys.coreStatuses(core));
  // S3 tells whole seconds: all of one count.
  const since = all.map(({ at }) => at).sort((a, b) => b - a)[YOUNGEST - 1] ?? 0;
  const candidates = all.filter(({ key, at }) => at >= since || key === keys.coreHeartbeat(core));
  const found = await Promise.all(
    candidates.map(async ({ key, at }): Promise<SeenStatus[]> => {
      const text = await readText(s3, outputs.stateBucket, key);
      return text === undefined ? [] : [{ report: parseJsonWith(coreStatusSchema, text, key), at }];
    }),
  );
  return found.flat().reduce<SeenStatus | undefined>(younger, undefined);
}

/** Boots and numbers sort as text. */
function younger(one: SeenStatus | undefined, other: SeenStatus): SeenStatus {
  const rank = ({ report }: SeenStatus): string => `${report.boot} ${report.seq}`;
  return one !== undefined && rank(one) >= rank(other) ? one : other;
}

const MISSED_HEARTBEATS = 3;

function edgeOf({ report, at }: SeenStatus): GroupOverview['edge'] {
  const { state, revision, heartbeat } = report;
  const silent = Date.now() - at > MISSED_HEARTBEATS * heartbeat * 1000;
  const missing = silent && state !== 'stopping';
  return { state, revision, lastSeen: new Date(at).toISOString(), missing };
}

async function readDeployment(
  { operator, outputs }: OperatorAccess,
  group: string,
  revision: number,
): Promise<RevisionRecord | undefined> {
  const key = keys.deployment(group, revision);
  const text = await readText(operator.clients.s3, outputs.stateBucket, key);
  return text === undefined ? undefined : parseJsonWith(revisionRecordSchema, text, key);
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

/** A core that has been heard of lately and has not said goodbye. */
export function isAlive({ edge }: GroupOverview): boolean {
  return edge !== undefined && edge.state !== 'stopping' && !edge.missing;
}
