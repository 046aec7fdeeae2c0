import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { SYSTEM_FUNCTIONS } from '../../../handlers/systemFunctions';
import type { CompiledTemplate } from '../../../plugin/framework';
import { root } from '../../support/root';
import { copyOf } from '../support/service';

const LAYER = 'arn:aws:lambda:eu-west-1:111111111111:layer:wrap:1';
const KEY = 'arn:aws:kms:eu-west-1:111111111111:key/1';
const BOUNDARY = 'arn:aws:iam::111111111111:policy/boundary';

const PROVIDER = `
  environment: { AWS_LAMBDA_EXEC_WRAPPER: /opt/wrap, NODE_OPTIONS: '--require ./x.js', DB_PASSWORD: secret }
  runtime: nodejs20.x
  architecture: x86_64
  memorySize: 3008
  timeout: 3
  layers: ['${LAYER}']
  vpc: { securityGroupIds: [sg-0123456789abcdef0], subnetIds: [subnet-0123456789abcdef0] }
  kmsKeyArn: ${KEY}
  tracing: { lambda: true }
  tags: { team: cold }
  logRetentionInDays: 60
  logDataProtectionPolicy: { Name: no-mail, Version: '2021-06-01', Statement: [] }
  logs: { lambda: { logFormat: JSON, logGroup: /company/all } }
  iam: { role: { path: /teams/cold/, permissionsBoundary: '${BOUNDARY}', tags: { owner: us } } }
  deploymentBucket: company-deployments
  httpApi: { payload: '1.0', metrics: true, cors: true }
  versionFunctions: true
`;

/** What `provider:` gives to every function of a service: the rows of the table in docs/packaging.md. */
describe('a default of the provider', () => {
  let template: CompiledTemplate;
  const config = (): Promise<string> => readFile(path.join(root, 'docs', 'packaging.md'), 'utf8');
  let edgeFile: string;

  beforeAll(async () => {
    const service = await copyOf('greenhouse', (yaml) =>
      yaml
        .replace(/^ {2}environment:\n {4}UNIT: celsius\n/m, '')
        .replace('  runtime: nodejs22.x\n', PROVIDER.slice(1))
        .replace('    logs: 14\n', ''),
    );
    ({ template } = await service.package());
    edgeFile = (await service.read('.serverless/edge/manifest.json')).toString();
  }, 60_000);

  const properties = (id: string): Record<string, unknown> => template.Resources[id]?.Properties ?? {};
  const idOf = (name: string): string => `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const ofType = (type: string): Record<string, unknown>[] =>
    Object.values(template.Resources).flatMap(({ Type, Properties = {} }) =>
      Type === type ? [Properties] : [],
    );
  const system = (): Record<string, unknown>[] =>
    SYSTEM_FUNCTIONS.map(({ name }) => properties(`${idOf(name)}LambdaFunction`));
  const logGroups = (): Record<string, unknown>[] =>
    SYSTEM_FUNCTIONS.map(({ name }) => properties(`${idOf(name)}LogGroup`));
  const roles = (): Record<string, unknown>[] =>
    Object.entries(template.Resources).flatMap(([id, { Type, Properties = {} }]) =>
      Type === 'AWS::IAM::Role' && id.startsWith('Edge') ? [Properties] : [],
    );
  const ofUser = (): Record<string, unknown> => properties('ReportLambdaFunction');

  const ROWS: Record<string, () => void> = {
    environment: () => {
      expect(ofUser()['Environment']).toMatchObject({ Variables: { DB_PASSWORD: 'secret' } });
      for (const { Environment } of system()) {
        const names = Object.keys((Environment as { Variables: object }).Variables);
        expect(names.filter((name) => !name.startsWith('EDGE_'))).toEqual([]);
      }
    },
    runtime: () => {
      expect(ofUser()['Runtime']).toBe('nodejs20.x');
      for (const each of system()) expect(each['Runtime']).toBe('nodejs22.x');
    },
    architecture: () => {
      for (const each of system()) expect(each['Architectures']).toEqual(['arm64']);
    },
    'memorySize, timeout': () => {
      const sizes = system().map(({ MemorySize, Timeout }) => [MemorySize, Timeout]);
      expect(sizes).toEqual(SYSTEM_FUNCTIONS.map(({ memory, timeout }) => [memory, timeout]));
    },
    layers: () => {
      expect(ofUser()['Layers']).toEqual([LAYER]);
      for (const each of system()) expect(each).not.toHaveProperty('Layers');
    },
    vpc: () => {
      expect(ofUser()).toHaveProperty('VpcConfig');
      for (const each of system()) expect(each).not.toHaveProperty('VpcConfig');
    },
    kmsKeyArn: () => {
      for (const each of system()) expect(each['KmsKeyArn']).toBe(KEY);
      expect(JSON.stringify(properties('EdgeValidateFunctionRole'))).toContain(
        `["kms:Decrypt"],"Resource":["${KEY}"]`,
      );
    },
    'tracing.lambda': () => {
      for (const each of system()) expect(each['TracingConfig']).toEqual({ Mode: 'Active' });
      expect(JSON.stringify(properties('EdgeValidateFunctionRole'))).toContain('xray:PutTraceSegments');
    },
    tags: () => {
      for (const each of system()) expect(each['Tags']).toEqual([{ Key: 'team', Value: 'cold' }]);
    },
    logRetentionInDays: () => {
      for (const each of logGroups()) expect(each['RetentionInDays']).toBe(60);
    },
    logDataProtectionPolicy: () => {
      for (const each of logGroups()) expect(each['DataProtectionPolicy']).toMatchObject({ Name: 'no-mail' });
    },
    'logs.lambda': () => {
      expect(ofUser()['LoggingConfig']).toMatchObject({ LogGroup: '/company/all' });
      for (const each of system()) expect(each).not.toHaveProperty('LoggingConfig');
      const names = logGroups().map(({ LogGroupName }) => LogGroupName);
      expect(names).toEqual(system().map(({ FunctionName }) => `/aws/lambda/${String(FunctionName)}`));
    },
    'iam.role.path, .tags, .permissionsBoundary': () => {
      expect(roles().length).toBeGreaterThan(8);
      for (const role of roles()) {
        expect(role).toMatchObject({
          Path: '/teams/cold/',
          Tags: [{ Key: 'owner', Value: 'us' }],
          PermissionsBoundary: BOUNDARY,
        });
      }
    },
    deploymentBucket: () => {
      for (const { Code } of system()) expect(Code).toMatchObject({ S3Bucket: 'company-deployments' });
    },
    'httpApi.payload': () => {
      expect(properties('HttpApiIntegrationForecast')['PayloadFormatVersion']).toBe('1.0');
      expect(properties('HttpApiIntegrationValidateFunction')['PayloadFormatVersion']).toBe('2.0');
    },
    'httpApi.cors, .metrics, .name': () => {
      expect(ofType('AWS::ApiGatewayV2::Api')).toHaveLength(1);
      expect(ofType('AWS::ApiGatewayV2::Api')[0]).toHaveProperty('CorsConfiguration');
    },
    versionFunctions: () => {
      const versions = Object.keys(template.Resources).filter((id) => id.includes('LambdaVersion'));
      expect(versions.map((id) => id.replace(/LambdaVersion.*/, ''))).toEqual(['Forecast', 'Report']);
    },
  };

  it.each(Object.keys(ROWS))('%s', (row) => {
    ROWS[row]?.();
  });

  it('stands in the table', async () => {
    const rows = [...(await config()).matchAll(/^\| `(.+?)` *\|/gm)].map(([, names = '']) =>
      names.replaceAll('`', ''),
    );
    expect(rows).toEqual(expect.arrayContaining(Object.keys(ROWS)));
  });

  it('reaches no file of an edge but as the environment of its functions', () => {
    expect(edgeFile).not.toContain('secret');
  });
});

it('makes an API for edge cores where the service has no route', async () => {
  const service = await copyOf('greenhouse', (yaml) =>
    yaml
      .replace('    events:\n      - httpApi: GET /forecast\n', '')
      .replace(
        '  runtime: nodejs22.x\n',
        '  runtime: nodejs22.x\n  tags: { team: cold }\n  httpApi: { metrics: true }\n',
      ),
  );
  const { Resources } = (await service.package()).template;
  expect(Resources['HttpApi']?.Properties).toEqual({
    Name: 'dev-greenhouse',
    ProtocolType: 'HTTP',
    Tags: { team: 'cold' },
  });
  expect(Resources['HttpApiStage']?.Properties).toMatchObject({
    StageName: '$default',
    DefaultRouteSettings: { DetailedMetricsEnabled: true },
  });
}, 60_000);
