import { EdgeError, functionKey, type FunctionManifest } from '../../../protocol';
import { inParallel } from '../../../lib/concurrency';
import type { FunctionFailure } from '../engine';
import { greengrassError } from './awsErrors';
import type { ComponentVersions } from './componentVersions';
import { functionOfComponent, type Components, type FunctionComponent } from './components';
import { functionRecipe, type FunctionRecipeOptions } from './functionRecipe';

/** Greengrass allows few of these calls a second. */
const WIDTH = 4;

/**
 * Sees to it that each function's component version can be deployed, and tells which cannot and why, by
 * `name@version`; `current` says what runs instead. Throws where trying again may help.
 */
export async function ensureVersions(
  versions: ComponentVersions,
  components: readonly FunctionComponent[],
  current: Components,
  options: FunctionRecipeOptions,
): Promise<Record<string, FunctionFailure>> {
  const failures: Record<string, FunctionFailure> = {};
  await inParallel(components, WIDTH, async (component) => {
    try {
      await versions.ensure(recipeOf(component, options));
    } catch (thrown) {
      const error = greengrassError(thrown);
      if (!(error instanceof EdgeError) || error.retryable) throw error;
      const { name, version } = component.manifest;
      const running = deployedVersion(options.corePrefix, current, component.manifest);
      failures[functionKey(name, version)] = { error: error.toJSON(), ...(running && { running }) };
    }
  });
  return failures;
}

/** Another version of the function that a target has. */
function deployedVersion(
  corePrefix: string,
  current: Components,
  { name, version }: FunctionManifest,
): string | undefined {
  return Object.entries(current).find(
    ([component, { componentVersion }]) =>
      functionOfComponent(corePrefix, component) === name && componentVersion !== version,
  )?.[1].componentVersion;
}

function recipeOf(component: FunctionComponent, options: FunctionRecipeOptions) {
  try {
    return functionRecipe(component, options);
  } catch (error) {
    throw new EdgeError('DEPLOYMENT_FAILED', `no component can be named ${component.name}`, { cause: error });
  }
}

/**
 * Names of components on a target that look like those of functions and that somebody else made: a
 * deployment without them would uninstall them. What `functions` keep at its version is not among them;
 * whose that is turns out when the version is looked at (ComponentVersions.ensure).
 */
export async function foreignComponents(
  versions: Pick<ComponentVersions, 'isForeign'>,
  corePrefix: string,
  current: Components,
  functions: readonly FunctionComponent[],
): Promise<Set<string>> {
  const next = new Set(functions.map(({ name }) => name));
  const foreign = new Set<string>();
  for (const [name, { componentVersion }] of Object.entries(current)) {
    const mayBe = functionOfComponent(corePrefix, name) !== undefined && !next.has(name);
    if (!mayBe || componentVersion === undefined) continue;
    if (await versions.isForeign(name, componentVersion)) foreign.add(name);
  }
  return foreign;
}
