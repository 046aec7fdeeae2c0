import { createHash } from 'node:crypto';
import { canonicalJson, coreComponentName, keys } from '../../../protocol';
import { coreDescription } from '../../../protocol/greengrass/names';
import { recipeSchema, type Recipe } from '../../../protocol/greengrass/recipe';
import { ARCHITECTURES, type Architecture } from './sdkFiles';

export interface CoreRecipeOptions {
  corePrefix: string;
  functionsBucket: string;
  /** Digests of the core's artifact. */
  artifacts: Record<Architecture, string>;
}

/** A node without it would only fail when the core is started: so the deployment fails, and says why. */
const REQUIRE_NODE = [
  `node -e "`,
  `const [major, minor] = process.versions.node.split('.').map(Number); `,
  `if (major < 20 || (major === 20 && minor < 19)) `,
  `throw new Error('the edge core needs Node.js >= 20.19, this is ' + process.version)"`,
].join('');

/**
 * The recipe of the core as a generic component. What is particular to one core comes with the deployment
 * (configuration.ts), so that all cores of a service share a component version. The script names the
 * configuration values whose change must start the core anew, and not the revision, whose change must not.
 * Source: AWS IoT Greengrass V2 developer guide, "Component recipe reference".
 */
export function coreRecipe(
  version: string,
  { corePrefix, functionsBucket, artifacts }: CoreRecipeOptions,
): Recipe {
  const content = {
    RecipeFormatVersion: '2020-01-25',
    ComponentName: coreComponentName(corePrefix),
    ComponentType: 'aws.greengrass.generic',
    ComponentPublisher: 'serverless-edge-on-demand',
    ComponentConfiguration: { DefaultConfiguration: { delivery: 'hot', settings: '', revision: 0 } },
    ComponentDependencies: {
      // The socket and the variables of IPC as the core uses them, MQTT wildcards not among them.
      'aws.greengrass.Nucleus': { VersionRequirement: '>=2.6.0 <3.0.0', DependencyType: 'SOFT' },
      'aws.greengrass.TokenExchangeService': { VersionRequirement: '~2.0.3', DependencyType: 'HARD' },
    },
    Manifests: ARCHITECTURES.map((architecture) => ({
      Platform: { os: 'linux', architecture },
      Lifecycle: { install: REQUIRE_NODE, run: runScript(artifacts[architecture]) },
      Artifacts: [
        { Uri: `s3://${functionsBucket}/${keys.coreComponent(artifacts[architecture])}`, Unarchive: 'ZIP' },
      ],
    })),
  };
  const ComponentDescription = coreDescription(corePrefix, buildOf(content));
  return recipeSchema.parse({ ...content, ComponentVersion: version, ComponentDescription });
}

function runScript(digest: string): string {
  return [
    `exec node {artifacts:decompressedPath}/${digest}/core.cjs`,
    '--work {work:path}',
    '--delivery {configuration:/delivery}',
    // The quotes are for a value that is empty.
    '--settings "{configuration:/settings}"',
  ].join(' ');
}

/** Everything but the version: DescribeComponent gives back the description, and with it this. */
function buildOf(content: object): string {
  return createHash('sha256').update(canonicalJson(content)).digest('hex').slice(0, 16);
}
