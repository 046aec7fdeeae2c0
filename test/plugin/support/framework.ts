import type { AwsProvider, Serverless, ServerlessService } from '../../../plugin/framework';

const capitalised = (name: string): string => `${name[0]?.toUpperCase()}${name.slice(1)}`;

const NAMING = {
  getLambdaLogicalId: (name: string) => `${capitalised(name)}LambdaFunction`,
  getLogGroupLogicalId: (name: string) => `${capitalised(name)}LogGroup`,
  getLambdaLayerLogicalId: (name: string) => `${capitalised(name)}LambdaLayer`,
} satisfies Partial<AwsProvider['naming']> as unknown as AwsProvider['naming'];

/** The part of the framework that reading a configuration touches, for a service called `shop`. */
export function frameworkWith(
  edge: unknown,
  {
    functions = ['readMeter', 'forecast', 'openVents'],
    provider = {},
    service = 'shop',
    stage = 'dev',
    region = 'eu-west-1',
  }: {
    functions?: string[];
    provider?: Partial<ServerlessService['provider']>;
    service?: string;
    stage?: string;
    region?: string;
  } = {},
): Serverless {
  return {
    service: {
      service,
      functions: Object.fromEntries(functions.map((name) => [name, { handler: `src/${name}.handler` }])),
      package: {},
      provider: { name: 'aws', compiledCloudFormationTemplate: { Resources: {} }, ...provider },
    },
    serviceDir: '/nowhere',
    configurationInput: edge === undefined ? {} : { edge },
    getProvider: () =>
      ({
        getStage: () => stage,
        getRegion: () => region,
        naming: NAMING,
      }) satisfies Partial<AwsProvider>,
  } satisfies Partial<Serverless> as unknown as Serverless;
}
