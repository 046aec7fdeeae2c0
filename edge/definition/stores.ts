import path from 'node:path';
import { z } from 'zod';
import {
  certificateIdSchema,
  failureSchema,
  functionNameSchema,
  groupDefinitionSchema,
  parseJsonWith,
  thingNameSchema,
  versionSchema,
} from '../../protocol';
import { DurableFile } from '../../lib/durableFile';

/** What the core keeps over restarts: the definition that it serves, and the outbox. */
export interface Store<T> {
  /** Undefined when nothing was stored yet. Throws when what was stored cannot be read. */
  load(): Promise<T | undefined>;
  save(value: T): Promise<void>;
}

const seq = z.int().nonnegative();

export const storedDefinitionSchema = z.object({
  etag: z.string().optional(),
  definition: groupDefinitionSchema,
  /** `name@version` of those wanted versions that have run here. */
  proven: z.array(z.string()).optional(),
  /** By name, the version that ran here last. */
  lastRun: z.record(functionNameSchema, versionSchema).optional(),
});
export type StoredDefinition = z.infer<typeof storedDefinitionSchema>;

/** A claim that a device confirmed and that no definition has shown yet. */
export const claimEntrySchema = z.strictObject({
  type: z.literal('claim'),
  device: thingNameSchema,
  function: functionNameSchema,
  version: versionSchema,
  seq,
  released: z.literal(true).optional(),
});
export const joinEntrySchema = z.strictObject({
  type: z.literal('join'),
  device: thingNameSchema,
  certificateId: certificateIdSchema,
  seq,
});
/** A version that does not start here, until a definition has taken note of it. */
export const failureEntrySchema = z.strictObject({ type: z.literal('failure'), seq, ...failureSchema.shape });
export const outboxEntrySchema = z.discriminatedUnion('type', [
  claimEntrySchema,
  joinEntrySchema,
  failureEntrySchema,
]);
export type OutboxEntry = z.infer<typeof outboxEntrySchema>;

export const outboxSchema = z.strictObject({
  format: z.literal(1),
  /** The highest sequence number that was ever given out. */
  seq,
  entries: z.array(outboxEntrySchema),
});
export type OutboxContent = z.infer<typeof outboxSchema>;

function fileStore<S extends z.ZodType>(file: string, schema: S): Store<z.output<S>> {
  const durable = new DurableFile(file);
  return {
    async load() {
      const text = await durable.read();
      return text === undefined ? undefined : parseJsonWith(schema, text, file, 'INTERNAL');
    },
    save: (value) => durable.write(JSON.stringify(value)),
  };
}

export function definitionStore(stateDir: string): Store<StoredDefinition> {
  return fileStore(path.join(stateDir, 'definition.json'), storedDefinitionSchema);
}

export function outboxStore(stateDir: string): Store<OutboxContent> {
  return fileStore(path.join(stateDir, 'outbox.json'), outboxSchema);
}
