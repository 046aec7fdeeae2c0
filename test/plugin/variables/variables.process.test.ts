import { rm } from 'node:fs/promises';
import type { CompiledTemplate } from '../../../plugin/framework';
import { packageTemplate } from '../../support/packaged';
import { variableSources } from '../../../plugin/variables';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((each) => rm(each, { recursive: true, force: true }))));

const VARIABLES = [
  'endpoint',
  'functionsBucket',
  'stateBucket',
  'devicePrefix',
  'corePrefix',
  'updateTopic',
  'statusTopic',
  'revisionTopic',
];

const REPORT = '  report:\n    handler: examples/sensors/trainModel.handler\n    environment:\n';

/** The environment of an ordinary function that asks for every variable. */
async function environment(edge = '', provider = ''): Promise<Record<string, unknown>> {
  const lines = VARIABLES.map((name) => `      ${name.toUpperCase()}: \${edge:${name}}\n`);
  const { serviceDir, template } = await packageTemplate((yaml) =>
    yaml
      .replace('functions:\n', `functions:\n${REPORT}${lines.join('')}`)
      .replace(/^edge:\n/m, `edge:\n${edge}`)
      .replace('  name: aws\n', `  name: aws\n${provider}`),
  );
  folders.push(serviceDir);
  return variablesOf(template);
}

function variablesOf({ Resources }: CompiledTemplate): Record<string, unknown> {
  const { Properties } = Resources['ReportLambdaFunction'] ?? {};
  return (Properties?.['Environment'] as { Variables: Record<string, unknown> }).Variables;
}

describe('${edge:…}', () => {
  it('is what the stack makes, and text where it is known before', async () => {
    expect(await environment()).toEqual({
      ENDPOINT: {
        'Fn::Sub': ['${Api}/edge/edge-demo-dev', { Api: { 'Fn::GetAtt': ['HttpApi', 'ApiEndpoint'] } }],
      },
      FUNCTIONSBUCKET: { Ref: 'EdgeFunctionsBucket' },
      STATEBUCKET: { Ref: 'EdgeStateBucket' },
      DEVICEPREFIX: 'edge',
      COREPREFIX: 'edge/edge-demo-dev',
      UPDATETOPIC: 'edge/edge-demo-dev/core/+/update',
      STATUSTOPIC: 'edge/edge-demo-dev/core/+/status',
      REVISIONTOPIC: 'edge/edge-demo-dev/core/+/revision',
    });
  });

  it('knows names that the section gives', async () => {
    const section =
      '  buckets: { functions: my-packages, state: { name: my-state } }\n  topics: { prefix: site/a }\n';
    expect(await environment(section, '  httpApi: { id: abc }\n')).toMatchObject({
      ENDPOINT: {
        'Fn::Sub': [
          'https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/edge/edge-demo-dev',
          { Api: 'abc' },
        ],
      },
      FUNCTIONSBUCKET: 'my-packages',
      STATEBUCKET: 'my-state',
      DEVICEPREFIX: 'site/a',
    });
  });

  it('says which there are, and which is nearest', async () => {
    const { edge } = variableSources(() => {
      throw new Error('not asked');
    });
    const nothing = () => Promise.resolve(undefined);
    const resolution = {
      address: 'statebucket',
      resolveVariable: nothing,
      resolveConfigurationProperty: nothing,
    };
    await expect(edge.resolve(resolution)).rejects.toThrow(
      /\$\{edge:statebucket\}: expected one of endpoint, .*did you mean \$\{edge:stateBucket\}\?/,
    );
    await expect(edge.resolve({ ...resolution, address: null })).rejects.toThrow(/expected one of/);
    await expect(edge.resolve({ ...resolution, address: 'constructor' })).rejects.toThrow(/expected one of/);
  });
});
