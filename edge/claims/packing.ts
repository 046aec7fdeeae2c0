import { MAX_UPDATE_PAYLOAD, type CoreUpdate } from '../../protocol';
import type { OutboxEntry } from './outbox';

const MAX_CLAIMS = 16;
const MAX_JOINS = 8;
const MAX_FAILURES = 4;

export function coreUpdate(requestId: string, group: string, entries: readonly OutboxEntry[]): CoreUpdate {
  const update: CoreUpdate = { requestId, group, claims: [], joins: [] };
  for (const { type, ...entry } of entries) {
    if (type === 'claim') update.claims.push(entry as CoreUpdate['claims'][number]);
    else if (type === 'join') update.joins.push(entry as CoreUpdate['joins'][number]);
    else {
      const { seq: _seq, ...failure } = entry as Extract<OutboxEntry, { type: 'failure' }>;
      (update.failures ??= []).push(failure);
    }
  }
  return update;
}

/**
 * Splits entries into as few updates as the limits on size and counts allow. What belongs to one
 * device stays together where it fits, so that a claim never travels ahead of its device's join.
 */
export function packEntries<T extends { entry: OutboxEntry }>(items: readonly T[], group: string): T[][] {
  const batches: T[][] = [];
  let batch: T[] = [];
  for (const sameDevice of byDevice(items)) {
    if (fits([...batch, ...sameDevice], group)) {
      batch.push(...sameDevice);
      continue;
    }
    for (const item of sameDevice) {
      if (batch.length > 0 && (item === sameDevice[0] || !fits([...batch, item], group))) {
        batches.push(batch);
        batch = [];
      }
      batch.push(item);
    }
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

function byDevice<T extends { entry: OutboxEntry }>(items: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const owner = item.entry.type === 'failure' ? '' : item.entry.device;
    const group = groups.get(owner) ?? [];
    groups.set(owner, group);
    if (item.entry.type === 'join') group.unshift(item);
    else group.push(item);
  }
  return [...groups.values()];
}

function fits(items: readonly { entry: OutboxEntry }[], group: string): boolean {
  const update = coreUpdate(
    'x'.repeat(64),
    group,
    items.map(({ entry }) => entry),
  );
  return (
    update.claims.length <= MAX_CLAIMS &&
    update.joins.length <= MAX_JOINS &&
    (update.failures?.length ?? 0) <= MAX_FAILURES &&
    Buffer.byteLength(JSON.stringify(update)) < MAX_UPDATE_PAYLOAD
  );
}
