import { isDeepStrictEqual } from 'node:util';
import type { Recipe } from '../../../protocol/greengrass/recipe';
import type { Lifecycle } from '../../../protocol/greengrass/lifecycle';
import { PUBLIC_COMPONENTS } from '../../services/greengrass/components/publicComponents';
import type { FleetMember } from '../components/fleet';
import type { KeptConfiguration } from '../configuration/store';

/** One component of a state of the core. */
export interface PlannedComponent {
  recipe: Recipe;
  /** Named by a deployment itself. */
  isRoot: boolean;
  configuration: KeptConfiguration;
  /** With its variables filled in. */
  lifecycle: Lifecycle;
  /** KiB of `systemResourceLimits`. */
  memory?: number | undefined;
}

/** What the core runs, or is to run. */
export type CoreState = ReadonlyMap<string, PlannedComponent>;

export interface Steps {
  add: string[];
  /** Its version or its install script changed, or it was broken. */
  reinstall: string[];
  /** Another part of its lifecycle changed. */
  restart: string[];
  remove: string[];
}

/** What has to be done to the processes; a change of configuration alone touches none. */
export function stepsBetween(
  current: CoreState,
  target: CoreState,
  isBroken: (name: string) => boolean,
): Steps {
  const steps: Steps = { add: [], reinstall: [], restart: [], remove: [] };
  for (const [name, wanted] of target) {
    const running = current.get(name);
    if (running === undefined) steps.add.push(name);
    else if (isBroken(name) || needsReinstall(running, wanted)) steps.reinstall.push(name);
    else if (needsRestart(running, wanted)) steps.restart.push(name);
  }
  steps.remove = [...current.keys()].filter((name) => !target.has(name));
  return steps;
}

function needsReinstall(running: PlannedComponent, wanted: PlannedComponent): boolean {
  return (
    running.recipe.ComponentVersion !== wanted.recipe.ComponentVersion ||
    !isDeepStrictEqual(running.lifecycle.install, wanted.lifecycle.install)
  );
}

/** The next shutdown is that of the start which it ends, so its script may change. */
function needsRestart(running: PlannedComponent, wanted: PlannedComponent): boolean {
  const { shutdown: _old, ...before } = running.lifecycle;
  const { shutdown: _new, ...after } = wanted.lifecycle;
  return !isDeepStrictEqual(before, after);
}

/** Components of AWS are part of the simulated nucleus: they have no processes. */
export function isPublic(name: string): boolean {
  return PUBLIC_COMPONENTS.some(({ ComponentName }) => ComponentName === name);
}

export function memberOf(state: CoreState, name: string): FleetMember {
  const planned = state.get(name);
  if (planned === undefined) throw new Error(`${name} is not part of the state`);
  const { recipe, lifecycle } = planned;
  const hardDependencies = Object.entries(recipe.ComponentDependencies ?? {})
    .filter(([dependency, { DependencyType }]) => DependencyType !== 'SOFT' && !isPublic(dependency))
    .map(([dependency]) => dependency);
  return { name, version: recipe.ComponentVersion, lifecycle, hardDependencies };
}
