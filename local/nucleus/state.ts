import { z } from 'zod';
import { recipeSchema } from '../../protocol/greengrass/recipe';
import { lifecycleSchema } from '../../protocol/greengrass/lifecycle';
import { readJsonFile, writeJsonFile } from '../base/jsonFile';
import type { CoreState } from './deployment/plan';
import type { Roots } from './deployment/resolve';

const stateSchema = z.strictObject({
  /** By target (ARN), the versions of the components that its deployment names. */
  targets: z.record(z.string(), z.record(z.string(), z.string())),
  components: z.array(
    z.strictObject({
      recipe: recipeSchema,
      isRoot: z.boolean(),
      configuration: z.strictObject({
        value: z.record(z.string(), z.unknown()),
        times: z.record(z.string(), z.number()),
      }),
      lifecycle: lifecycleSchema,
      memory: z.number().optional(),
    }),
  ),
});

/** What the core runs, kept for the next start. */
export interface NucleusState {
  targets: Roots;
  components: CoreState;
}

export function readState(path: string): NucleusState {
  const kept = readJsonFile(path, stateSchema);
  const components = (kept?.components ?? []).map((one) => [one.recipe.ComponentName, one] as const);
  return { targets: kept?.targets ?? {}, components: new Map(components) };
}

export function writeState(path: string, { targets, components }: NucleusState): void {
  writeJsonFile(path, { targets, components: [...components.values()] });
}
