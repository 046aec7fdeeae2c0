import {
  boundedReason,
  emptyDefinition,
  EdgeError,
  groupOfRequestKey,
  nextDefinition,
  type GroupDefinition,
} from '../../protocol';
import { rollBackFailures, type RollBackPorts } from '../definitions/rollBackFailures';
import type { Deployment, DeploymentEngine } from '../engines/engine';
import { isDueAgain } from '../engines/recordedEngine';
import type { RetryPause, Definitions, Log, Requests, RevisionNotices } from '../ports';
import { s3Records } from '../lambda/s3Events';

export interface PerformDeploymentPorts extends RollBackPorts {
  definitions: Definitions;
  requests: Requests;
  engine: DeploymentEngine;
  notices: RevisionNotices;
  backoff: RetryPause;
  log: Log;
}

/** Lost races in a row after which somebody else must be making progress. */
const MAX_LOSSES = 25;

/**
 * System function: brings stored updates into the group's definition, starts its deployment, and follows
 * it where the engine has an outcome to follow. The event is only a wake-up: an S3 event, the
 * hint `{ group }`, an event of the engine's service, or the scheduled sweep (`{ source: 'aws.events' }`
 * or `{ sweep: true }`) over all groups with stored updates or deployments to follow. One group's fault
 * stops no other. Throws CONFLICT after too many lost races, and the faults of ports.
 */
export async function performDeployment(event: unknown, ports: PerformDeploymentPorts): Promise<void> {
  const { groups, follow } = await wakeUpOf(event, ports);
  const outcomes = await Promise.allSettled(groups.map((group) => deployGroup(group, follow, ports)));
  const faults = outcomes.flatMap((outcome, position) => {
    if (outcome.status === 'fulfilled') return [];
    ports.log.error({ group: groups[position], error: EdgeError.from(outcome.reason).toJSON() }, 'failed');
    return [outcome.reason as unknown];
  });
  if (faults.length === 1) throw faults[0];
  if (faults.length > 1) throw new AggregateError(faults, `${faults.length} groups failed`);
}

interface WakeUp {
  groups: readonly string[];
  /** Whether to ask the engine how deployments stand: what was stored just now has no outcome yet. */
  follow: boolean;
}

async function wakeUpOf(event: unknown, ports: PerformDeploymentPorts): Promise<WakeUp> {
  const { group, source, sweep } = (event ?? {}) as { group?: unknown; source?: unknown; sweep?: unknown };
  if (typeof group === 'string') return { groups: [group], follow: false };
  if (source === 'aws.events' || sweep === true) return { groups: await groupsToSweep(ports), follow: true };
  const named = s3Records(event).flatMap(({ key }) => groupOfRequestKey(key) ?? []);
  if (named.length > 0) return { groups: [...new Set(named)], follow: false };
  const about = await ports.engine.groupOf?.(event);
  return { groups: about === undefined ? [] : [about], follow: true };
}

async function groupsToSweep({ requests, definitions, engine }: PerformDeploymentPorts): Promise<string[]> {
  const pending = await requests.groupsWithPending();
  return engine.capabilities.follows ? [...new Set([...pending, ...(await definitions.groups())])] : pending;
}

/**
 * Absorbs the group's stored updates until none is left.
 *
 * Per round: merge all of them, write by compare-and-swap (a lost race starts over), let the engine
 * apply, and only then remove them — so that until the engine has answered, the sweep finds the group
 * again. The next round reads anew: a revision that another performer wrote in between is applied
 * once more, because ours may have been announced after it. What the engine could not bring to the edge
 * is rolled back by an update of its own, which the next round absorbs; where no function is to blame,
 * the core is told, so that devices that wait hear why, and the sweep makes the deployment again.
 */
async function deployGroup(group: string, follow: boolean, ports: PerformDeploymentPorts): Promise<void> {
  const { definitions, requests, backoff, engine, log } = ports;
  let applied: number | undefined;
  let losses = 0;
  for (;;) {
    const [current, pending] = await Promise.all([definitions.read(group), requests.pending(group)]);
    const base = current?.value ?? emptyDefinition(group);
    const next = nextDefinition(
      base,
      pending.map(({ update }) => update),
    );
    const rises = next.revision > base.revision;
    if (rises && !(await definitions.write(next, current?.etag))) {
      losses += 1;
      if (losses > MAX_LOSSES) throw new EdgeError('CONFLICT', undefined, { details: { group } });
      await backoff(losses);
      continue;
    }
    losses = 0;
    const known = rises || applied !== undefined ? undefined : await standing(next, follow, engine);
    const applies = needsApply(next, applied, known, ports.clock.now());
    const deployment = applies ? await apply(next, known, ports) : known;
    if (applies && deployment !== undefined) {
      applied = next.revision;
      const { state, error } = deployment;
      log.info(
        { group, revision: next.revision, updates: pending.length, state, error },
        'deployment started',
      );
    }
    const rolledBack = deployment !== undefined && (await rollBackFailures(next, deployment, ports));
    if (deployment !== undefined && !rolledBack) await tellUndelivered(next, deployment, ports);
    if (pending.length > 0) await requests.remove(pending.map(({ key }) => key));
    else if (!applies && !rolledBack) return;
  }
}

/** What the engine throws may succeed later, but not while the devices that ask now wait. */
async function apply(
  definition: GroupDefinition,
  before: Deployment | undefined,
  ports: PerformDeploymentPorts,
): Promise<Deployment> {
  try {
    return await ports.engine.apply(definition, before);
  } catch (thrown) {
    const error = EdgeError.from(thrown).toJSON();
    await tellUndelivered(definition, { state: 'failed', error }, ports).catch((fault: unknown) =>
      ports.log.warn(
        { group: definition.group, error: EdgeError.from(fault).toJSON() },
        'the core is not told',
      ),
    );
    throw thrown;
  }
}

/** Undefined: the engine does not have that revision, for all that is known. */
async function standing(
  { group, revision }: GroupDefinition,
  follow: boolean,
  engine: DeploymentEngine,
): Promise<Deployment | undefined> {
  if (revision === 0) return undefined;
  return follow ? engine.status(group, revision) : engine.recorded(group, revision);
}

/** Where the latest revision has no record, its writer crashed before the engine had it. */
function needsApply(
  { revision }: GroupDefinition,
  applied: number | undefined,
  known: Deployment | undefined,
  now: number,
): boolean {
  if (revision === 0) return false;
  if (applied !== undefined) return revision > applied;
  return known === undefined || known.state === 'waiting' || isDueAgain(known, now);
}

/**
 * Tells the core of a deployment that brings nothing for a reason that lies in no function: devices that
 * wait for what it should have brought hear the reason, where they would wait for their time to be up.
 * What the core runs or fetches itself it goes on with. Said again whenever the deployment is looked at,
 * since a core may have missed it; and of one that waits, unless it goes on by itself in a moment.
 */
async function tellUndelivered(
  { group, revision, core }: GroupDefinition,
  { state, error }: Pick<Deployment, 'state' | 'error'>,
  { notices }: { notices: RevisionNotices },
): Promise<void> {
  if (core === undefined || error === undefined) return;
  const isStuck = state === 'waiting' && !EdgeError.fromJSON(error).retryable;
  if (state !== 'failed' && !isStuck) return;
  await notices.announce(core.thingName, { group, revision, error: boundedReason(error) });
}
