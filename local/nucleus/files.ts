import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { lifecycleSchema } from '../../protocol/greengrass/lifecycle';
import { recipeSchema } from '../../protocol/greengrass/recipe';
import { readJsonFile, writeJsonFile } from '../base/jsonFile';
import type { CoreState } from './deployment/plan';
import type { Roots } from './deployment/resolve';

/** Folders of a core, as a real nucleus lays them out below its root. */
export interface NucleusPaths {
  readonly root: string;
  readonly state: string;
  /** Of the artifacts of a component version, as they were downloaded. */
  artifacts: (component: string, version: string) => string;
  /** Of those that were unzipped, one folder per zip. */
  unarchived: (component: string, version: string) => string;
  /** Of a component, whatever its version. */
  work: (component: string) => string;
  log: (component: string) => string;
}

export function nucleusPaths(root: string): NucleusPaths {
  const packages = join(root, 'packages');
  return {
    root,
    state: join(root, 'config', 'state.json'),
    artifacts: (component, version) => join(packages, 'artifacts', component, version),
    unarchived: (component, version) => join(packages, 'artifacts-unarchived', component, version),
    work: (component) => join(root, 'work', component),
    log: (component) => join(root, 'logs', `${component}.log`),
  };
}

/** Appends a line that a component wrote to its log file. */
export function appendToLog({ log }: NucleusPaths, component: string, line: string, from: string): void {
  const file = log(component);
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${new Date().toISOString()} [${from}] ${line}\n`);
}

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
