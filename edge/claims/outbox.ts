import path from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import {
  certificateIdSchema,
  failureSchema,
  functionNameSchema,
  isSettled,
  thingNameSchema,
  versionSchema,
  type GroupDefinition,
} from '../../protocol';
import { fileStore, type Store } from '../store';

const seq = z.int().nonnegative();

const entrySchema = z.discriminatedUnion('type', [
  /** A claim that a device confirmed. */
  z.strictObject({
    type: z.literal('claim'),
    device: thingNameSchema,
    function: functionNameSchema,
    version: versionSchema,
    seq,
    released: z.literal(true).optional(),
  }),
  /** A device that moved to this group. */
  z.strictObject({
    type: z.literal('join'),
    device: thingNameSchema,
    certificateId: certificateIdSchema,
    seq,
  }),
  /** A version that does not start here. */
  z.strictObject({ type: z.literal('failure'), seq, ...failureSchema.shape }),
]);
export type OutboxEntry = z.infer<typeof entrySchema>;
type EntryOf<Type extends OutboxEntry['type']> = Extract<OutboxEntry, { type: Type }>;

type Unnumbered<T> = T extends OutboxEntry ? Omit<T, 'seq'> : never;
export type OutboxDraft = Unnumbered<OutboxEntry>;

const contentSchema = z.strictObject({
  format: z.literal(1),
  /** The highest sequence number that was ever given out. */
  seq,
  entries: z.array(entrySchema),
});
export type OutboxContent = z.infer<typeof contentSchema>;

export function outboxStore(stateDir: string): Store<OutboxContent> {
  return fileStore(path.join(stateDir, 'outbox.json'), contentSchema);
}

/**
 * What this edge has to tell the cloud and no definition has shown yet: claims and joins that devices were
 * promised, and failures. Each entry is for one register of the definition; a later entry replaces an
 * earlier one, as the merge in the cloud would do.
 */
export class Outbox {
  private readonly byRegister = new Map<string, OutboxEntry>();
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

  claimOf(device: string, functionName: string): EntryOf<'claim'> | undefined {
    return this.byRegister.get(claimRegister(device, functionName)) as EntryOf<'claim'> | undefined;
  }

  joinOf(device: string): EntryOf<'join'> | undefined {
    return this.byRegister.get(joinRegister(device)) as EntryOf<'join'> | undefined;
  }

  failureOf(functionName: string, version: string): EntryOf<'failure'> | undefined {
    return this.byRegister.get(failureRegister(functionName, version)) as EntryOf<'failure'> | undefined;
  }

  /** Forgets an entry, unless a later one has taken its place. */
  remove(entry: OutboxEntry): void {
    if (this.delete(entry)) this.saveInBackground();
  }

  /** Forgets what the definition shows. */
  removeSeen(definition: GroupDefinition): void {
    const seen = this.entries().filter((entry) => isSeen(entry, definition));
    for (const entry of seen) this.delete(entry);
    if (seen.length > 0) this.saveInBackground();
  }

  private delete(entry: OutboxEntry): boolean {
    const register = registerOf(entry);
    return this.byRegister.get(register)?.seq === entry.seq && this.byRegister.delete(register);
  }

  private saveInBackground(): void {
    this.save().catch((err: unknown) => this.log.error({ err }, 'the outbox cannot be written'));
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

const claimRegister = (device: string, functionName: string) => `claim ${device}/${functionName}`;
const joinRegister = (device: string) => `join ${device}`;
const failureRegister = (functionName: string, version: string) => `failure ${functionName}@${version}`;

function registerOf(entry: OutboxEntry): string {
  if (entry.type === 'failure') return failureRegister(entry.function, entry.version);
  return entry.type === 'claim' ? claimRegister(entry.device, entry.function) : joinRegister(entry.device);
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
