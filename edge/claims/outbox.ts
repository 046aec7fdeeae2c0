import path from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { mergeUpdates, type GroupDefinition } from '../../protocol';
import { fileStore, type Store } from '../store';
import {
  claimRegister,
  entrySchema,
  failureRegister,
  isSeen,
  joinRegister,
  registerOf,
  type EntryOf,
  type OutboxDraft,
  type OutboxEntry,
} from './outboxEntry';
import { storedUpdate } from './packing';

const contentSchema = z.strictObject({
  format: z.literal(1),
  /** The highest sequence number that was ever given out. */
  seq: z.int().nonnegative(),
  entries: z.array(entrySchema),
  /** Those that the cloud has stored. */
  accepted: z.array(entrySchema).optional(),
});
export type OutboxContent = z.infer<typeof contentSchema>;

export function outboxStore(stateDir: string): Store<OutboxContent> {
  return fileStore(path.join(stateDir, 'outbox.json'), contentSchema);
}

/**
 * What this edge has to tell the cloud and no definition has shown yet: claims and joins that devices were
 * promised, and failures. Each entry is for one register of the definition; a later entry replaces an
 * earlier one, as the merge in the cloud would do. An entry is pending until the cloud has stored it, and
 * accepted from then on until a definition shows it.
 */
export class Outbox {
  /** By register, oldest first: an earlier one counts again when a later one is forgotten before it was sent. */
  private readonly pending = new Map<string, OutboxEntry[]>();
  private readonly accepted = new Map<string, OutboxEntry>();
  private seq = 0;

  private constructor(
    private readonly store: Store<OutboxContent>,
    private readonly log: Logger,
  ) {}

  static async open(store: Store<OutboxContent>, log: Logger): Promise<Outbox> {
    const outbox = new Outbox(store, log);
    try {
      const content = await store.load();
      outbox.seq = content?.seq ?? 0;
      for (const entry of content?.entries ?? []) outbox.pending.set(registerOf(entry), [entry]);
      for (const entry of content?.accepted ?? []) outbox.accepted.set(registerOf(entry), entry);
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
    const register = registerOf(entry);
    this.pending.set(register, [...(this.pending.get(register) ?? []), entry]);
    return entry;
  }

  /** Resolves when every entry so far is on the disk. */
  save(): Promise<void> {
    const accepted = [...this.accepted.values()];
    const entries = this.latestPending();
    return this.store.save({ format: 1, seq: this.seq, entries, ...(accepted.length > 0 && { accepted }) });
  }

  /** Those that no definition has shown yet; of each register the latest. */
  entries(): OutboxEntry[] {
    const latest = new Map(this.accepted);
    for (const entry of this.latestPending()) latest.set(registerOf(entry), entry);
    return [...latest.values()];
  }

  claimOf(device: string, functionName: string): EntryOf<'claim'> | undefined {
    return this.latest(claimRegister(device, functionName)) as EntryOf<'claim'> | undefined;
  }

  joinOf(device: string): EntryOf<'join'> | undefined {
    return this.latest(joinRegister(device)) as EntryOf<'join'> | undefined;
  }

  failureOf(functionName: string, version: string): EntryOf<'failure'> | undefined {
    return this.latest(failureRegister(functionName, version)) as EntryOf<'failure'> | undefined;
  }

  /** Whether the cloud still has to hear of this entry: no later one has taken its place. */
  isPending(entry: OutboxEntry): boolean {
    return this.pending.get(registerOf(entry))?.at(-1)?.seq === entry.seq;
  }

  /** A copy of it is on its way to the cloud, where it outnumbers earlier ones. */
  sent(entry: OutboxEntry): void {
    this.keepPending(registerOf(entry), ({ seq }) => seq >= entry.seq);
  }

  /** The cloud has stored them. Resolves when the disk knows, or cannot be told. */
  accept(entries: readonly OutboxEntry[]): Promise<void> {
    for (const entry of entries) {
      const register = registerOf(entry);
      this.keepPending(register, ({ seq }) => seq > entry.seq);
      const known = this.accepted.get(register);
      if (known === undefined || known.seq < entry.seq) this.accepted.set(register, entry);
    }
    return this.saveAnyway();
  }

  /** The definition with what the cloud has stored and not shown in it yet; itself when there is nothing. */
  over(definition: GroupDefinition): GroupDefinition {
    const ahead = [...this.accepted.values()].filter((entry) => !isSeen(entry, definition));
    return ahead.length === 0
      ? definition
      : mergeUpdates(definition, [storedUpdate(definition.group, ahead)]);
  }

  /** Forgets an entry that never reached the cloud, or that it refused: an earlier one counts again. */
  remove(entry: OutboxEntry): void {
    if (this.keepPending(registerOf(entry), ({ seq }) => seq !== entry.seq)) void this.saveAnyway();
  }

  /** Forgets what the definition shows. */
  removeSeen(definition: GroupDefinition): void {
    let changed = false;
    for (const register of [...this.pending.keys()]) {
      changed = this.keepPending(register, (entry) => !isSeen(entry, definition)) || changed;
    }
    for (const [register, entry] of this.accepted) {
      if (isSeen(entry, definition)) changed = this.accepted.delete(register);
    }
    if (changed) void this.saveAnyway();
  }

  /** True when some went. */
  private keepPending(register: string, holds: (entry: OutboxEntry) => boolean): boolean {
    const entries = this.pending.get(register) ?? [];
    const kept = entries.filter(holds);
    if (kept.length > 0) this.pending.set(register, kept);
    else this.pending.delete(register);
    return kept.length < entries.length;
  }

  private latestPending(): OutboxEntry[] {
    return [...this.pending.values()].flatMap((entries) => entries.at(-1) ?? []);
  }

  private latest(register: string): OutboxEntry | undefined {
    return this.pending.get(register)?.at(-1) ?? this.accepted.get(register);
  }

  private saveAnyway(): Promise<void> {
    return this.save().catch((err: unknown) => this.log.error({ err }, 'the outbox cannot be written'));
  }
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
