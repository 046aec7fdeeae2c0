import { coreComponentName, functionKey, keys } from '../../../protocol';
import { FUNCTIONS_SOCKET } from '../../../protocol/greengrass/coreConfiguration';
import { functionDescription } from '../../../protocol/greengrass/names';
import { recipeSchema, type Recipe } from '../../../protocol/greengrass/recipe';
import type { FunctionComponent } from './components';

export interface FunctionRecipeOptions {
  corePrefix: string;
  /** Where packages and the host bundle are. */
  functionsBucket: string;
  /** Digest of the host bundle. */
  host: string;
}

/**
 * The recipe of a function as a generic component: the thin host runs the package's handler and speaks
 * to the core over the socket in the core's work folder. The dependency on the core is soft: a new
 * core restarts no function. Nothing of a revision is in it, so that a new revision restarts none either.
 *
 * Throws a ZodError for a name or version that Greengrass does not take. Source: AWS IoT Greengrass V2
 * developer guide, "Component recipe reference".
 */
export function functionRecipe(
  { name, manifest }: FunctionComponent,
  { corePrefix, functionsBucket, host }: FunctionRecipeOptions,
): Recipe {
  const core = coreComponentName(corePrefix);
  const { digest, version } = manifest;
  const script = [
    `node {artifacts:decompressedPath}/${host}/componentHost.cjs`,
    `--socket {${core}:work:path}/${FUNCTIONS_SOCKET}`,
    `--name ${functionKey(manifest.name, version)}`,
    `--digest ${digest}`,
    `--package {artifacts:decompressedPath}/${digest}`,
  ].join(' ');
  const artifact = (key: string) => ({ Uri: `s3://${functionsBucket}/${key}`, Unarchive: 'ZIP' as const });
  return recipeSchema.parse({
    RecipeFormatVersion: '2020-01-25',
    ComponentName: name,
    ComponentVersion: version,
    ComponentType: 'aws.greengrass.generic',
    ComponentDescription: functionDescription(functionKey(manifest.name, version), digest),
    ComponentPublisher: 'serverless-edge-on-demand',
    ComponentDependencies: { [core]: { VersionRequirement: '>=0.0.0', DependencyType: 'SOFT' } },
    Manifests: [
      {
        Platform: { os: 'linux' },
        Lifecycle: { run: script },
        Artifacts: [artifact(keys.componentHost(host)), artifact(keys.package(digest))],
      },
    ],
  });
}
