import { DEFAULT_DEVICE_PREFIX, defaultCorePrefix, EdgeError } from '../../protocol';
import { nearestName } from '../configuration/nearestName';
import type { AwsProvider } from '../framework';
import { routesUrl } from '../resources/httpApi';

/** What the framework gives to the resolver of a variable source. */
interface Resolution {
  address: string | null;
  resolveVariable: (variable: string) => Promise<unknown>;
  resolveConfigurationProperty: (path: string[]) => Promise<unknown>;
}

/** Logical ids of the resources that these variables refer to. */
interface VariableTargets {
  functionsBucket: string;
  stateBucket: string;
  provider: () => AwsProvider;
}

type Read = (resolution: Resolution, targets: VariableTargets) => Promise<unknown>;

const VARIABLES: Record<string, Read> = {
  /** URL of the HTTP routes. */
  endpoint: async (resolution, { provider }) => {
    const id = await resolution.resolveConfigurationProperty(['provider', 'httpApi', 'id']);
    return routesUrl(id ?? undefined, provider(), { corePrefix: await corePrefix(resolution) });
  },
  functionsBucket: (resolution, targets) => bucket(resolution, 'functions', targets.functionsBucket),
  stateBucket: (resolution, targets) => bucket(resolution, 'state', targets.stateBucket),
  devicePrefix,
  corePrefix,
  /** Patterns, as a rule of the user's own subscribes to them. */
  updateTopic: async (resolution) => `${await corePrefix(resolution)}/core/+/update`,
  statusTopic: async (resolution) => `${await corePrefix(resolution)}/core/+/status`,
  revisionTopic: async (resolution) => `${await corePrefix(resolution)}/core/+/revision`,
};

/**
 * `${edge:endpoint}`, `${edge:functionsBucket}`, … Topics are text. What CloudFormation decides is a
 * reference within the same stack, so it is right at the first deployment too and asks nobody; it can
 * be the whole value of a property or stand in an `Fn::Join`, but not inside of a longer text.
 */
export function variableSources(provider: () => AwsProvider) {
  const targets: VariableTargets = {
    functionsBucket: 'EdgeFunctionsBucket',
    stateBucket: 'EdgeStateBucket',
    provider,
  };
  return {
    edge: {
      async resolve(resolution: Resolution): Promise<{ value: unknown }> {
        const { address } = resolution;
        const read = Object.hasOwn(VARIABLES, address ?? '') ? VARIABLES[address ?? ''] : undefined;
        if (read === undefined) throw unknownVariable(address);
        return { value: await read(resolution, targets) };
      },
    },
  };
}

function unknownVariable(address: string | null): EdgeError {
  const names = Object.keys(VARIABLES);
  const nearest = address === null ? undefined : nearestName(address, names);
  const hint = nearest === undefined ? '' : `; did you mean \${edge:${nearest}}?`;
  return new EdgeError(
    'CONFIG_INVALID',
    `\${edge:${address ?? ''}}: expected one of ${names.join(', ')}${hint}`,
  );
}

/** The name where the section says one, else that of the bucket that the stack makes. */
async function bucket(
  { resolveConfigurationProperty }: Resolution,
  which: string,
  logicalId: string,
): Promise<unknown> {
  const section = await resolveConfigurationProperty(['edge', 'buckets', which]);
  if (typeof section === 'string') return section;
  const { name, existing } = (section ?? {}) as { name?: string; existing?: string };
  return name ?? existing ?? { Ref: logicalId };
}

async function devicePrefix({ resolveConfigurationProperty }: Resolution): Promise<string> {
  const prefix = await resolveConfigurationProperty(['edge', 'topics', 'prefix']);
  return typeof prefix === 'string' ? prefix : DEFAULT_DEVICE_PREFIX;
}

async function corePrefix({ resolveConfigurationProperty, resolveVariable }: Resolution): Promise<string> {
  const service = await resolveConfigurationProperty(['service']);
  return defaultCorePrefix(String(service), String(await resolveVariable('sls:stage')));
}
