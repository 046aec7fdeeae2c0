import { PUBLIC_COMPONENTS } from '../../services/greengrass/components/publicComponents';
import type { CoreState } from '../deployment/plan';
import type { FleetMember } from './fleet';

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
