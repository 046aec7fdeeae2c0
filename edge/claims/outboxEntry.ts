import { z } from 'zod';
import {
  certificateIdSchema,
  failureSchema,
  functionManifestSchema,
  functionNameSchema,
  isSettled,
  thingNameSchema,
  versionSchema,
  type GroupDefinition,
} from '../../protocol';

/** What an edge core tells the cloud of its devices and functions, each for one register of the definition. */
const seq = z.int().nonnegative();

export const entrySchema = z.discriminatedUnion('type', [
  /** A claim that a device confirmed. */
  z.strictObject({
    type: z.literal('claim'),
    device: thingNameSchema,
    function: functionNameSchema,
    version: versionSchema,
    seq,
    released: z.literal(true).optional(),
    /** Of that version, where the core knows it: it is what the accepted claim brings into force here. */
    manifest: functionManifestSchema.optional(),
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
export type EntryOf<Type extends OutboxEntry['type']> = Extract<OutboxEntry, { type: Type }>;

type Unnumbered<T> = T extends OutboxEntry ? Omit<T, 'seq'> : never;
export type OutboxDraft = Unnumbered<OutboxEntry>;

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

export const claimRegister = (device: string, functionName: string) => `claim ${device}/${functionName}`;
export const joinRegister = (device: string) => `join ${device}`;
export const failureRegister = (functionName: string, version: string) =>
  `failure ${functionName}@${version}`;

export function registerOf(entry: OutboxEntry): string {
  if (entry.type === 'failure') return failureRegister(entry.function, entry.version);
  return entry.type === 'claim' ? claimRegister(entry.device, entry.function) : joinRegister(entry.device);
}
