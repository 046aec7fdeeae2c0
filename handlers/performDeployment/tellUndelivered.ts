import { boundedReason, EdgeError, type GroupDefinition } from '../../protocol';
import type { Deployment } from '../engines/engine';
import type { RevisionNotices } from '../ports';

/**
 * Tells the core of a deployment that brings nothing for a reason that lies in no function: devices that
 * wait for what it should have brought hear the reason, where they would wait for their time to be up.
 * What the core runs or fetches itself it goes on with. Said again whenever the deployment is looked at,
 * since a core may have missed it; and of one that waits, unless it goes on by itself in a moment.
 */
export async function tellUndelivered(
  { group, revision, core }: GroupDefinition,
  { state, error }: Pick<Deployment, 'state' | 'error'>,
  { notices }: { notices: RevisionNotices },
): Promise<void> {
  if (core === undefined || error === undefined) return;
  const isStuck = state === 'waiting' && !EdgeError.fromJSON(error).retryable;
  if (state !== 'failed' && !isStuck) return;
  await notices.announce(core.thingName, { group, revision, error: boundedReason(error) });
}
