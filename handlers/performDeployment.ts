import {
  emptyDefinition,
  EdgeError,
  groupOfRequestKey,
  nextDefinition,
  type GroupDefinition,
} from '../protocol';
import type { DeploymentEngine } from './engines/engine';
import type { Backoff, Definitions, Log, Requests } from './ports';
import { s3Records } from './s3Events';

export interface PerformDeploymentPorts {
  definitions: Definitions;
  requests: Requests;
  engine: DeploymentEngine;
  backoff: Backoff;
  log: Log;
}

/** Lost races in a row after which somebody else must be making progress. */
const MAX_LOSSES = 25;

/**
 * System function: brings stored updates into the group's definition and starts its deployment
 * (design §3). The event is only a wake-up: an S3 event, the hint `{ group }`, or the scheduled sweep
 * (`{ source: 'aws.events' }` or `{ sweep: true }`) over all groups with stored updates. One group's
 * fault stops no other. Throws CONFLICT after too many lost races, and the faults of ports.
 */
export async function performDeployment(event: unknown, ports: PerformDeploymentPorts): Promise<void> {
  const groups = await groupsOf(event, ports.requests);
  const outcomes = await Promise.allSettled(groups.map((group) => deployGroup(group, ports)));
  const faults = outcomes.flatMap((outcome, position) => {
    if (outcome.status === 'fulfilled') return [];
    ports.log.error({ group: groups[position], error: EdgeError.from(outcome.reason).toJSON() }, 'failed');
    return [outcome.reason as unknown];
  });
  if (faults.length === 1) throw faults[0];
  if (faults.length > 1) throw new AggregateError(faults, `${faults.length} groups failed`);
}

async function groupsOf(event: unknown, requests: Requests): Promise<string[]> {
  const { group, source, sweep } = (event ?? {}) as { group?: unknown; source?: unknown; sweep?: unknown };
  if (typeof group === 'string') return [group];
  if (source === 'aws.events' || sweep === true) return requests.groupsWithPending();
  const named = s3Records(event).map(({ key }) => groupOfRequestKey(key));
  return [...new Set(named.filter((name) => name !== undefined))];
}

/**
 * Absorbs the group's stored updates until none is left.
 *
 * Per round: merge all of them, write by compare-and-swap (a lost race starts over), let the engine
 * apply, and only then remove them — so that until the engine has answered, the sweep finds the group
 * again. The next round reads anew: a revision that another performer wrote in between is applied
 * once more, because ours may have been announced after it.
 */
async function deployGroup(group: string, ports: PerformDeploymentPorts): Promise<void> {
  const { definitions, requests, backoff, log } = ports;
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
    const applies = rises || (await needsApply(next, applied, ports.engine));
    if (applies) {
      await ports.engine.apply(next);
      applied = next.revision;
      log.info({ group, revision: next.revision, updates: pending.length }, 'deployment started');
    }
    if (pending.length > 0) await requests.remove(pending.map(({ key }) => key));
    else if (!applies) return;
  }
}

/** Without a record of the latest revision, its writer crashed before the engine had it. */
async function needsApply(
  definition: GroupDefinition,
  applied: number | undefined,
  engine: DeploymentEngine,
): Promise<boolean> {
  if (definition.revision === 0) return false;
  if (applied !== undefined) return definition.revision > applied;
  return (await engine.status(definition.group, definition.revision)) === undefined;
}
