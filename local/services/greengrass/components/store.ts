import semver from 'semver';
import { z } from 'zod';
import { recipeSchema } from '../../../../protocol/greengrass/recipe';
import { openJsonFolder } from '../../../base/jsonFile';
import { missingResource } from '../input';

const recordSchema = z.strictObject({
  recipe: recipeSchema,
  /** Milliseconds since the epoch. */
  createdAt: z.number(),
  state: z.enum(['REQUESTED', 'INITIATED', 'DEPLOYABLE', 'FAILED']),
  message: z.string(),
  /** By artifact URI. */
  errors: z.record(z.string(), z.string()),
  tags: z.record(z.string(), z.string()),
  /** Who may read the artifacts: ARN of the caller's role; undefined for the operator. */
  callerRole: z.string().optional(),
});
export type ComponentRecord = z.infer<typeof recordSchema>;

/** Component versions of the account, kept on disk. */
export interface ComponentStore {
  find: (name: string, version: string) => ComponentRecord | undefined;
  /** Throws ResourceNotFoundException. */
  require: (name: string, version: string) => ComponentRecord;
  /** Newest version first. */
  versions: (name: string) => ComponentRecord[];
  /** Newest version of each, by name. */
  latest: () => ComponentRecord[];
  all: () => ComponentRecord[];
  /** Creates or replaces. */
  save: (record: ComponentRecord) => void;
  remove: (name: string, version: string) => void;
}

export function openComponentStore(dir: string): ComponentStore {
  const folder = openJsonFolder(dir, recordSchema);
  const keyOf = (name: string, version: string): string => `${name}:${version}`;
  const records = new Map(
    folder
      .readAll()
      .map((record) => [keyOf(record.recipe.ComponentName, record.recipe.ComponentVersion), record]),
  );
  const versions = (name: string): ComponentRecord[] =>
    [...records.values()]
      .filter(({ recipe }) => recipe.ComponentName === name)
      .sort((a, b) => semver.rcompare(a.recipe.ComponentVersion, b.recipe.ComponentVersion));
  const store: ComponentStore = {
    find: (name, version) => records.get(keyOf(name, version)),
    require(name, version) {
      const record = store.find(name, version);
      if (record === undefined) throw missingResource('componentVersion', keyOf(name, version));
      return record;
    },
    versions,
    latest() {
      const names = new Set([...records.values()].map(({ recipe }) => recipe.ComponentName));
      return [...names].sort().flatMap((name) => versions(name)[0] ?? []);
    },
    all: () => [...records.values()],
    save(record) {
      const key = keyOf(record.recipe.ComponentName, record.recipe.ComponentVersion);
      records.set(key, record);
      folder.write(key, record);
    },
    remove(name, version) {
      records.delete(keyOf(name, version));
      folder.remove(keyOf(name, version));
    },
  };
  return store;
}
