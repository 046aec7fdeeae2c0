import path from 'node:path';
import { z } from 'zod';
import { functionNameSchema, groupDefinitionSchema, versionSchema } from '../../protocol';
import { fileStore, type Store } from '../store';

const storedDefinitionSchema = z.object({
  etag: z.string().optional(),
  definition: groupDefinitionSchema,
  /** `name@version` of those wanted versions that have run here. */
  proven: z.array(z.string()).optional(),
  /** By name, the version that ran here last. */
  lastRun: z.record(functionNameSchema, versionSchema).optional(),
});
/** The definition with which a core serves after a restart, and what of it has run here. */
export type StoredDefinition = z.infer<typeof storedDefinitionSchema>;

export function definitionStore(stateDir: string): Store<StoredDefinition> {
  return fileStore(path.join(stateDir, 'definition.json'), storedDefinitionSchema);
}
