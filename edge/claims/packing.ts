import {
  claimKey,
  functionKey,
  MAX_UPDATE_PAYLOAD,
  type CoreUpdate,
  type StoredUpdate,
} from '../../protocol';
import type { OutboxEntry } from './outboxEntry';

const MAX_CLAIMS = 16;
const MAX_JOINS = 8;
const MAX_FAILURES = 4;

export function coreUpdate(requestId: string, group: string, entries: readonly OutboxEntry[]): CoreUpdate {
  const update: CoreUpdate = { requestId, group, claims: [], joins: [] };
  for (const entry of entries) {
    if (entry.type === 'claim') {
      const { type: _type, manifest: _manifest, ...claim } = entry;
      update.claims.push(claim);
    } else if (entry.type === 'join') {
      const { type: _type, ...join } = entry;
      update.joins.push(join);
    } else {
      const { type: _type, seq: _seq, ...failure } = entry;
      (update.failures ??= []).push(failure);
    }
  }
  return update;
}

/** Claims and joins as the cloud has stored them. Failures become rollbacks there, which the core cannot make. */
export function storedUpdate(group: string, entries: readonly OutboxEntry[]): StoredUpdate {
  const update: StoredUpdate = {
    ...{ requestId: 'own', group, origin: { kind: 'core', name: 'own' }, receivedAt: '' },
    ...{ devices: {}, statics: {}, entitlements: {}, claims: {}, functions: {} },
  };
  for (const entry of entries) {
    if (entry.type === 'join') {
      const { certificateId, seq } = entry;
      update.devices[entry.device] = { certificateId, source: 'core', seq };
    } else if (entry.type === 'claim') {
      const { device, function: name, version, seq, released, manifest } = entry;
      update.claims[claimKey(device, name)] = { version, seq, ...(released && { released }) };
      if (manifest !== undefined) update.functions[functionKey(name, version)] = manifest;
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
