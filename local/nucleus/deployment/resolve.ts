import { EdgeError } from '../../../protocol';
import type { Recipe } from '../../../protocol/greengrass/recipe';
import type { CloudChannel } from '../cloud/channel';
import { DeploymentError } from './errors';

/** By target (ARN), the versions of the components that its deployment names. */
export type Roots = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface Resolved {
  recipes: Map<string, Recipe>;
  roots: Set<string>;
}

/**
 * The recipe of every component that the targets name, and of all that these depend on: one version each,
 * which meets every requirement. Throws DeploymentError.
 */
export async function resolveComponents(
  targets: Roots,
  channel: Pick<CloudChannel, 'resolve'>,
): Promise<Resolved> {
  const requirements = new Map<string, Record<string, string>>();
  const recipes = new Map<string, Recipe>();
  const roots = new Set<string>();
  const queue: string[] = [];
  const require = (name: string, source: string, range: string): void => {
    const known = requirements.get(name) ?? {};
    if (known[source] === range) return;
    requirements.set(name, { ...known, [source]: range });
    queue.push(name);
  };
  for (const [target, components] of Object.entries(targets)) {
    for (const [name, version] of Object.entries(components)) {
      roots.add(name);
      require(name, target, `=${version}`);
    }
  }
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const recipe = await resolveOne(name, requirements.get(name) ?? {}, channel);
    recipes.set(name, recipe);
    for (const [dependency, { VersionRequirement }] of Object.entries(recipe.ComponentDependencies ?? {})) {
      require(dependency, name, VersionRequirement);
    }
  }
  requireNoCycle(recipes);
  return { recipes, roots };
}

async function resolveOne(
  name: string,
  requirements: Record<string, string>,
  channel: Pick<CloudChannel, 'resolve'>,
): Promise<Recipe> {
  try {
    return await channel.resolve(name, requirements);
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error;
    if (error.code === 'NOT_FOUND') {
      const wanted = Object.entries(requirements).map(([source, range]) => `${source} requires ${range}`);
      throw new DeploymentError(
        ['NO_AVAILABLE_COMPONENT_VERSION', 'COMPONENT_VERSION_REQUIREMENTS_NOT_MET'],
        ['REQUEST_ERROR'],
        `No local or cloud component version satisfies the requirements of ${name}: ${wanted.join('; ')}`,
      );
    }
    if (error.code === 'CORE_NOT_AUTHORISED') {
      const codes = ['CLOUD_API_ERROR', 'ACCESS_DENIED', 'RESOLVE_COMPONENT_CANDIDATES_ACCESS_DENIED'];
      throw new DeploymentError(codes, ['PERMISSION_ERROR'], error.message);
    }
    throw new DeploymentError(['NETWORK_ERROR'], ['NETWORK_ERROR'], error.message);
  }
}

function requireNoCycle(recipes: ReadonlyMap<string, Recipe>): void {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (done.has(name)) return;
    if (path.includes(name)) {
      const circle = [...path, name].join(' → ');
      throw new DeploymentError(
        ['COMPONENT_CIRCULAR_DEPENDENCY_ERROR'],
        ['REQUEST_ERROR'],
        `Circular dependency: ${circle}`,
      );
    }
    for (const dependency of Object.keys(recipes.get(name)?.ComponentDependencies ?? {})) {
      visit(dependency, [...path, name]);
    }
    done.add(name);
  };
  for (const name of recipes.keys()) visit(name, []);
}
