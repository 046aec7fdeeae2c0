import type { Logger } from 'pino';
import { claimedVersion, heldVersion, isSettled, type GroupDefinition } from '../../protocol';
import type { OutboxContent, OutboxEntry, Store } from '../definition/stores';

type Unnumbered<T> = T extends OutboxEntry ? Omit<T, 'seq'> : never;
export type OutboxDraft = Unnumbered<OutboxEntry>;

/**
 * Claims and joins that devices were promised and that no definition has shown yet, and failures that
 * none has taken note of. One entry per register; a later entry replaces an earlier one, as the merge in the cloud would do.
 */
export class Outbox {
  private readonly byRegister = new Map<string, OutboxEntry>();
  private seq = 0;

  private constructor(private readonly store: Store<OutboxContent>) {}

  static async open(store: Store<OutboxContent>, log: Logger): Promise<Outbox> {
    const outbox = new Outbox(store);
    try {
      const content = await store.load();
      outbox.seq = content?.seq ?? 0;
      for (const entry of content?.entries ?? []) outbox.byRegister.set(registerOf(entry), entry);
    } catch (err) {
      // Numbers continue above those of the definition, so claims made from here on still win.
      log.error({ err }, 'the outbox cannot be read; starting with an empty one');
    }
    return outbox;
  }

  /** Numbers the entry above everything that was ever given out or that the definition holds. */
  add(draft: OutboxDraft, definition: GroupDefinition): OutboxEntry {
    this.seq = Math.max(this.seq, highestSeq(definition)) + 1;
    const entry: OutboxEntry = { ...draft, seq: this.seq };
    this.byRegister.set(registerOf(entry), entry);
    return entry;
  }

  /** Resolves when every entry so far is on the disk. */
  save(): Promise<void> {
    return this.store.save({ format: 1, seq: this.seq, entries: this.entries() });
  }

  entries(): OutboxEntry[] {
    return [...this.byRegister.values()];
  }

  /** False when a later entry has taken its place. */
  remove(entry: OutboxEntry): boolean {
    const register = registerOf(entry);
    if (this.byRegister.get(register)?.seq !== entry.seq) return false;
    return this.byRegister.delete(register);
  }

  joining(device: string): boolean {
    return this.byRegister.has(`join ${device}`);
  }

  /** The version that the device claims, counting what is still on its way. */
  claimedVersion(definition: GroupDefinition, device: string, functionName: string): string | undefined {
    const entry = this.byRegister.get(`claim ${device}/${functionName}`);
    if (entry?.type !== 'claim') return claimedVersion(definition, device, functionName);
    return entry.released ? undefined : entry.version;
  }

  /** As `claimedVersion`, but the version that the claim names, also when another one serves it. */
  heldVersion(definition: GroupDefinition, device: string, functionName: string): string | undefined {
    const entry = this.byRegister.get(`claim ${device}/${functionName}`);
    if (entry?.type !== 'claim') return heldVersion(definition, device, functionName);
    return entry.released ? undefined : entry.version;
  }

  failureOf(functionName: string, version: string): Extract<OutboxEntry, { type: 'failure' }> | undefined {
    const entry = this.byRegister.get(`failure ${functionName}@${version}`);
    return entry?.type === 'failure' ? entry : undefined;
  }

  /** Whether a claim of the device is on its way. */
  claiming(device: string, functionName: string): boolean {
    return this.byRegister.has(`claim ${device}/${functionName}`);
  }
}

/** Whether the definition holds this entry, or one that outranks it. */
export function isSeen(entry: OutboxEntry, definition: GroupDefinition): boolean {
  if (entry.type === 'failure') return isSettled(definition, entry);
  if (entry.type === 'claim') {
    const claim = definition.claims[`${entry.device}/${entry.function}`];
    return claim !== undefined && claim.seq >= entry.seq;
  }
  const device = definition.devices[entry.device];
  return device !== undefined && (device.source === 'operator' || device.seq >= entry.seq);
}

function registerOf(entry: OutboxEntry): string {
  if (entry.type === 'failure') return `failure ${entry.function}@${entry.version}`;
  return entry.type === 'claim' ? `claim ${entry.device}/${entry.function}` : `join ${entry.device}`;
}

function highestSeq(definition: GroupDefinition): number {
  let highest = 0;
  for (const { seq } of Object.values(definition.claims)) highest = Math.max(highest, seq);
  for (const { upTo } of Object.values(definition.rollbacks ?? {})) highest = Math.max(highest, upTo.claims);
  for (const device of Object.values(definition.devices)) {
    if (device.source === 'core') highest = Math.max(highest, device.seq);
  }
  return highest;
}
