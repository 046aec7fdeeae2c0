import type { Recipe } from '../../../../protocol/greengrass/recipe';

/** Version of the nucleus that the simulated one follows. */
export const SIMULATED_NUCLEUS_VERSION = '2.15.0';
export const NUCLEUS_COMPONENT = 'aws.greengrass.Nucleus';
export const TOKEN_EXCHANGE_COMPONENT = 'aws.greengrass.TokenExchangeService';

/** Components of AWS that deployments name; the simulated nucleus is all of them itself. */
export const PUBLIC_COMPONENTS: readonly Recipe[] = [
  publicComponent(NUCLEUS_COMPONENT, SIMULATED_NUCLEUS_VERSION, 'aws.greengrass.nucleus'),
  publicComponent(TOKEN_EXCHANGE_COMPONENT, '2.0.3', 'aws.greengrass.plugin'),
  publicComponent('aws.greengrass.Cli', SIMULATED_NUCLEUS_VERSION, 'aws.greengrass.plugin'),
];

function publicComponent(name: string, version: string, type: NonNullable<Recipe['ComponentType']>): Recipe {
  return {
    RecipeFormatVersion: '2020-01-25',
    ComponentName: name,
    ComponentVersion: version,
    ComponentType: type,
    ComponentPublisher: 'AWS',
    Manifests: [{ Lifecycle: {} }],
  };
}
