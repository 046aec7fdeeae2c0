import semver from 'semver';
import { z } from 'zod';
import type { Recipe } from '../../../../protocol/greengrass/recipe';
import { AwsError } from '../../../base/context';
import type { GreengrassContext } from '../context';
import { PUBLIC_COMPONENTS } from './publicComponents';
import { encode } from './routes';

export const resolveSchema = z.strictObject({
  platform: z
    .strictObject({ name: z.string().optional(), attributes: z.record(z.string(), z.string()) })
    .optional(),
  componentCandidates: z
    .array(
      z.strictObject({
        componentName: z.string(),
        componentVersion: z.string().optional(),
        /** By who asks: a target or another component. */
        versionRequirements: z.record(z.string(), z.string()).default({}),
      }),
    )
    .min(1),
});

/**
 * The newest deployable version of each candidate that meets all requirements (ResolveComponentCandidates).
 * Throws ResourceNotFoundException naming the component and who requires what of it.
 */
export function resolveCandidates(
  context: GreengrassContext,
  { componentCandidates }: z.output<typeof resolveSchema>,
): { resolvedComponentVersions: unknown[] } {
  const resolvedComponentVersions = componentCandidates.map(({ componentName, versionRequirements }) => {
    const recipe = versionsOf(context, componentName).find(({ ComponentVersion }) =>
      Object.values(versionRequirements).every((range) => semver.satisfies(ComponentVersion, range)),
    );
    if (recipe === undefined) throw noVersion(componentName, versionRequirements);
    return {
      arn: context.arns.componentVersion(componentName, recipe.ComponentVersion),
      componentName,
      componentVersion: recipe.ComponentVersion,
      recipe: encode(recipe),
    };
  });
  return { resolvedComponentVersions };
}

/** Newest first. */
function versionsOf({ components }: GreengrassContext, name: string): Recipe[] {
  const own = components.versions(name).filter(({ state }) => state === 'DEPLOYABLE');
  return own.length > 0
    ? own.map(({ recipe }) => recipe)
    : PUBLIC_COMPONENTS.filter((one) => one.ComponentName === name);
}

function noVersion(name: string, requirements: Record<string, string>): AwsError {
  const wanted = Object.entries(requirements).map(([source, range]) => `${source} requires ${range}`);
  return new AwsError(
    'ResourceNotFoundException',
    `The latest version of component ${name} doesn't claim platform compatibility or no version meets: ${wanted.join('; ')}`,
    404,
    { resourceId: name, resourceType: 'component' },
  );
}
