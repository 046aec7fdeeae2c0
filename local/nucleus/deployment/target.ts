import { NUCLEUS_COMPONENT } from '../../services/greengrass/components/publicComponents';
import type { Recipe } from '../../../protocol/greengrass/recipe';
import { interpolate } from '../configuration/interpolate';
import type { ConfigurationStore, KeptConfiguration } from '../configuration/store';
import type { Tree } from '../configuration/tree';
import type { NucleusPaths } from '../files';
import type { DeploymentDocument } from '../../services/greengrass/deployments/document';
import type { ComponentSpecification } from '../../services/greengrass/deployments/schema';
import { selectManifest, type NucleusPlatform } from './manifest';
import type { CoreState, PlannedComponent } from './plan';
import type { Resolved } from './resolve';

export interface TargetParts {
  configuration: ConfigurationStore;
  paths: NucleusPaths;
  platform: NucleusPlatform;
  thingName: string;
}

/** The state that a deployment asks for: each component with its configuration and its lifecycle, filled in. */
export function targetState(
  { recipes, roots }: Resolved,
  document: DeploymentDocument,
  parts: TargetParts,
  current: CoreState,
): CoreState {
  const configurations = new Map<string, KeptConfiguration>();
  for (const [name, recipe] of recipes) {
    configurations.set(name, configurationOf(recipe, document, parts.configuration));
  }
  const planned = [...recipes].map(([name, recipe]): [string, PlannedComponent] => {
    const configuration = configurations.get(name) ?? { value: {}, times: {} };
    const { lifecycle } = selectManifest(recipe, parts.platform);
    const scope = {
      self: name,
      dependencies: Object.keys(recipe.ComponentDependencies ?? {}),
      thingName: parts.thingName,
      rootPath: parts.paths.root,
      placesOf: (component: string) => placesOf(component, recipes, configurations, parts.paths),
    };
    const memory = memoryOf(document.components[name], current.get(name));
    return [
      name,
      { recipe, isRoot: roots.has(name), configuration, lifecycle: interpolate(lifecycle, scope), memory },
    ];
  });
  return new Map(planned);
}

function configurationOf(
  recipe: Recipe,
  { components, createdAt }: DeploymentDocument,
  store: ConfigurationStore,
): KeptConfiguration {
  const { merge, reset = [] } = components[recipe.ComponentName]?.configurationUpdate ?? {};
  return store.preview(recipe.ComponentName, {
    defaults: recipe.ComponentConfiguration?.DefaultConfiguration ?? {},
    reset,
    merge: merge === undefined ? {} : (JSON.parse(merge) as Tree),
    at: createdAt,
  });
}

/** A deployment that says nothing of how to run a component leaves that as it is. */
function memoryOf(
  specification: ComponentSpecification | undefined,
  current: PlannedComponent | undefined,
): number | undefined {
  const runWith = specification?.runWith;
  return runWith === undefined ? current?.memory : runWith.systemResourceLimits?.memory;
}

function placesOf(
  component: string,
  recipes: ReadonlyMap<string, Recipe>,
  configurations: ReadonlyMap<string, KeptConfiguration>,
  paths: NucleusPaths,
) {
  const recipe = recipes.get(component);
  if (recipe === undefined) return undefined;
  return {
    artifacts: paths.artifacts(component, recipe.ComponentVersion),
    unarchived: paths.unarchived(component, recipe.ComponentVersion),
    work: paths.work(component),
    configuration: configurations.get(component)?.value ?? {},
  };
}

/** Seconds, from the configuration of the nucleus component. */
export function pollingFrequency(state: CoreState): number | undefined {
  const value = state.get(NUCLEUS_COMPONENT)?.configuration.value['deploymentPollingFrequencySeconds'];
  const seconds = Number(value);
  return value !== undefined && seconds > 0 ? seconds : undefined;
}
