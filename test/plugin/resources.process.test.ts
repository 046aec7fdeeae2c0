import { ENGINES } from '../../handlers/engines/engines';
import type { CloudFormationResource } from '../../lib/cloudFormation';
import type { CompiledTemplate } from '../../plugin/framework';
import { startTestEnvironment } from '../support/environment';
import { templateProblems } from './support/cloudFormationSchema';
import { copyOf, templateOf } from './support/service';

interface Statement {
  Action: string[];
  Resource: unknown[];
  Effect: string;
  Condition?: unknown;
}

function ofType({ Resources }: CompiledTemplate, type: string): [string, CloudFormationResource][] {
  return Object.entries(Resources).filter(([, { Type }]) => Type === type);
}

function properties(template: CompiledTemplate, logicalId: string): Record<string, never> {
  const resource = template.Resources[logicalId];
  if (resource === undefined) throw new Error(`there is no ${logicalId}`);
  return resource.Properties as Record<string, never>;
}

function statementsOf(template: CompiledTemplate, role: string): Statement[] {
  const { Policies } = properties(template, role) as unknown as {
    Policies: { PolicyDocument: { Statement: Statement[] } }[];
  };
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

/** `s3:GetObject` → what it may be done to, as text. */
function granted(template: CompiledTemplate, role: string, action: string): string[] {
  return statementsOf(template, role)
    .filter(({ Action }) => Action.includes(action))
    .flatMap(({ Resource }) => Resource.map((each) => JSON.stringify(each)));
}

interface LifecycleRule {
  Prefix?: string;
  NoncurrentVersionExpiration?: { NoncurrentDays: number };
}

describe('the template of a service', () => {
  let template: CompiledTemplate;
  beforeAll(async () => {
    template = await templateOf();
  });

  it('is right by the schemas of CloudFormation', async () => {
    await expect(templateProblems(template)).resolves.toEqual([]);
    // The check can fail.
    const broken = structuredClone(template);
    Object.assign(properties(broken, 'EdgeRoleAlias'), { CredentialDurationSeconds: 'long', Colour: 'red' });
    const problems = await templateProblems(broken);
    expect(problems.join('\n')).toMatch(/EdgeRoleAlias.*Colour/);
    expect(problems.join('\n')).toMatch(/EdgeRoleAlias.*(integer|long)/i);
  });

  it('has small system functions on arm64, with logs that end', () => {
    for (const name of ['CreateFunction', 'ValidateFunction', 'PerformDeployment']) {
      expect(properties(template, `${name}LambdaFunction`)).toMatchObject({
        Architectures: ['arm64'],
        Runtime: 'nodejs22.x',
        Handler: 'index.handler',
        Role: { 'Fn::GetAtt': [`Edge${name}Role`, 'Arn'] },
      });
      expect(properties(template, `${name}LogGroup`)).toMatchObject({ RetentionInDays: 14 });
    }
    expect(properties(template, 'ReportLogGroup')).not.toHaveProperty('RetentionInDays');
  });

  it('has routes with IAM authorisation beside the routes of the service', () => {
    const routes = Object.fromEntries(
      ofType(template, 'AWS::ApiGatewayV2::Route').map(([, { Properties = {} }]) => [
        Properties['RouteKey'],
        Properties['AuthorizationType'] ?? 'NONE',
      ]),
    );
    expect(routes).toEqual({
      'GET /forecast': 'NONE',
      'POST /edge/greenhouse-dev/groups/{group}/functions/{function}/validate': 'AWS_IAM',
      'POST /edge/greenhouse-dev/groups/{group}/functions/{function}/invoke': 'AWS_IAM',
      'GET /edge/greenhouse-dev/groups/{group}/definition': 'AWS_IAM',
      'GET /edge/greenhouse-dev/groups/{group}/packages/{digest}': 'AWS_IAM',
      'GET /edge/greenhouse-dev/groups/{group}/devices/{certificateId}': 'AWS_IAM',
    });
  });

  it.each([
    ['EdgeFunctionsBucket', 'createFunction', 'uploads/', '.zip'],
    ['EdgeStateBucket', 'performDeployment', 'requests/', '.json'],
  ])('has a private, encrypted %s that wakes %s', (logicalId, functionName, prefix, suffix) => {
    const lambda = `${functionName[0]?.toUpperCase()}${functionName.slice(1)}LambdaFunction`;
    expect(properties(template, logicalId)).toMatchObject({
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      NotificationConfiguration: {
        LambdaConfigurations: [
          {
            Function: { 'Fn::GetAtt': [lambda, 'Arn'] },
            Filter: {
              S3Key: {
                Rules: [
                  { Name: 'prefix', Value: prefix },
                  { Name: 'suffix', Value: suffix },
                ],
              },
            },
          },
        ],
      },
    });
    const policy = properties(template, `${logicalId}Policy`) as unknown as {
      PolicyDocument: { Statement: Statement[] };
    };
    expect(policy.PolicyDocument.Statement).toMatchObject([
      { Effect: 'Deny', Action: ['s3:*'], Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
    ]);
    const [permission] = template.Resources[logicalId]?.DependsOn as string[];
    expect(properties(template, permission ?? '')).toMatchObject({
      Principal: 's3.amazonaws.com',
      FunctionName: { 'Fn::GetAtt': [lambda, 'Arn'] },
      SourceAccount: { Ref: 'AWS::AccountId' },
    });
  });

  it('lets old things go, and never the latest definition or the registry', () => {
    const rules = (logicalId: string) =>
      (
        properties(template, logicalId) as unknown as {
          LifecycleConfiguration: { Rules: { Prefix?: string; ExpirationInDays?: number }[] };
        }
      ).LifecycleConfiguration.Rules;
    const expiries = [...rules('EdgeFunctionsBucket'), ...rules('EdgeStateBucket')]
      .filter(({ ExpirationInDays }) => ExpirationInDays !== undefined)
      .map(({ Prefix, ExpirationInDays }) => [Prefix, ExpirationInDays]);
    expect(Object.fromEntries(expiries as [string, number][])).toEqual({
      'uploads/': 30,
      'results/': 30,
      'logs/': 7,
      'status/': 14,
      'failures/': 30,
      'deployments/': 90,
      'revisions/': 90,
    });
    // What is written over or deleted goes as well, and what a core writes over every minute within a day.
    const replaced = (rules('EdgeStateBucket') as LifecycleRule[])
      .filter(({ NoncurrentVersionExpiration }) => NoncurrentVersionExpiration !== undefined)
      .map(({ Prefix = '', NoncurrentVersionExpiration }) => [Prefix, NoncurrentVersionExpiration]);
    expect(Object.fromEntries(replaced as [string, object][])).toEqual({
      'status/': { NoncurrentDays: 1 },
      'requests/': { NoncurrentDays: 1 },
      'groups/': { NoncurrentDays: 7 },
      '': { NoncurrentDays: 30 },
    });
    expect(properties(template, 'EdgeStateBucket')).toMatchObject({
      VersioningConfiguration: { Status: 'Enabled' },
    });
  });

  it('has rules that take identity from the topic and keep what they cannot deliver', () => {
    const rule = properties(template, 'EdgeUpdateRule') as unknown as {
      TopicRulePayload: { Sql: string; ErrorAction: unknown };
    };
    expect(rule.TopicRulePayload.Sql).toBe(
      "SELECT encode(*, 'base64') AS payload, topic(4) AS core, principal() AS principal " +
        "FROM 'edge/greenhouse-dev/core/+/update'",
    );
    expect(rule.TopicRulePayload.ErrorAction).toMatchObject({
      S3: { Key: 'failures/rules/${newuuid()}.json' },
    });
    expect(granted(template, 'EdgeRuleRole', 's3:PutObject')).toEqual([
      expect.stringContaining('/status/*'),
      expect.stringContaining('/failures/rules/*'),
      expect.stringContaining('/logs/*'),
    ]);
    expect(properties(template, 'EdgeRuleRole')).toMatchObject({
      AssumeRolePolicyDocument: {
        Statement: [{ Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } } }],
      },
    });
  });

  it('stores reports and logs of cores where each core has its own folder', () => {
    const keyOf = (rule: string) => {
      const { TopicRulePayload } = properties(template, rule) as unknown as {
        TopicRulePayload: { Actions: [{ S3: { Key: string } }] };
      };
      return TopicRulePayload.Actions[0].S3.Key;
    };
    expect(keyOf('EdgeStatusRule')).toBe('status/${topic(4)}/${slot}.json');
    expect(keyOf('EdgeLogRule')).toBe('logs/${topic(4)}/${at}-${seq}.json');
  });

  it('has functions that are made from packages log where logs end', () => {
    expect(properties(template, 'EdgeCloudFunctionLogGroup')).toEqual({
      LogGroupName: '/aws/lambda/greenhouse-dev-edge-functions',
      RetentionInDays: 14,
    });
    expect(statementsOf(template, 'EdgeCloudFunctionRole')).toMatchObject([
      {
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: [{ 'Fn::GetAtt': ['EdgeCloudFunctionLogGroup', 'Arn'] }],
      },
    ]);
    expect(properties(template, 'CreateFunctionLambdaFunction')).toMatchObject({
      Environment: { Variables: { EDGE_CLOUD_FUNCTION_LOG_GROUP: { Ref: 'EdgeCloudFunctionLogGroup' } } },
    });
  });

  it('sends what asynchronous functions cannot handle to a queue', () => {
    const destinations = ofType(template, 'AWS::Lambda::EventInvokeConfig').map(([, { Properties }]) => [
      (Properties?.['FunctionName'] as { Ref: string }).Ref,
      Properties?.['DestinationConfig'],
    ]);
    const queue = { OnFailure: { Destination: { 'Fn::GetAtt': ['EdgeFailures', 'Arn'] } } };
    expect(destinations.sort()).toEqual([
      ['CreateFunctionLambdaFunction', queue],
      ['HandleDeploymentRequestLambdaFunction', queue],
      ['PerformDeploymentLambdaFunction', queue],
    ]);
    expect(properties(template, 'EdgeFailures')).toMatchObject({ SqsManagedSseEnabled: true });
  });

  it('ties policies of cores and devices to the connected thing', () => {
    const resources = (logicalId: string): string[] =>
      (
        properties(template, logicalId) as unknown as { PolicyDocument: { Statement: Statement[] } }
      ).PolicyDocument.Statement.flatMap(({ Resource }) => Resource.map((each) => JSON.stringify(each)));
    const alias = JSON.stringify({ 'Fn::GetAtt': ['EdgeRoleAlias', 'RoleAliasArn'] });
    for (const resource of [...resources('EdgeCorePolicy'), ...resources('EdgeDevicePolicy')]) {
      if (resource !== alias) expect(resource).toContain('${!iot:Connection.Thing.ThingName}');
    }
  });

  it('gives each function just what it does', () => {
    const roles = ofType(template, 'AWS::IAM::Role').map(([logicalId]) => logicalId);
    const own = roles.filter((role) => role.startsWith('Edge'));
    expect(own).toHaveLength(9);
    const wild = own.flatMap((role) =>
      statementsOf(template, role)
        .filter(({ Resource }) => Resource.includes('*'))
        .map(({ Action }) => `${role}: ${Action.join()}`),
    );
    // The action has no resource type.
    expect(wild.sort()).toEqual([
      'EdgeGetGroupDefinitionRole: iot:ListPrincipalThings',
      'EdgeHandleDeploymentRequestRole: iot:ListPrincipalThings',
    ]);
    for (const role of own) {
      for (const { Action, Resource } of statementsOf(template, role)) {
        expect(Action.filter((action) => action.includes('*'))).toEqual([]);
        expect(Resource).not.toHaveLength(0);
      }
    }
    expect(granted(template, 'EdgeCreateFunctionRole', 'iam:PassRole')).toEqual([
      '{"Fn::GetAtt":["EdgeCloudFunctionRole","Arn"]}',
    ]);
    expect(granted(template, 'EdgeValidateFunctionRole', 's3:PutObject')).toEqual([]);
    expect(granted(template, 'EdgePerformDeploymentRole', 's3:DeleteObject')).toEqual([
      expect.stringContaining('/requests/*'),
    ]);
  });

  it('has a pattern only where names come after the stack', () => {
    const patterns = ofType(template, 'AWS::IAM::Role')
      .filter(([role]) => role.startsWith('Edge'))
      .flatMap(([role]) => statementsOf(template, role).flatMap(({ Resource }) => Resource))
      .map((resource) => /"([^"]*\*[^"]*)"/.exec(JSON.stringify(resource))?.[1])
      .filter((resource) => resource !== undefined)
      .map((resource) => resource.replace(/^arn:.*(:::?\$\{\w+\}|AccountId\}:)/, ''))
      .map((resource) => resource.replace(/^(log-group:.*-dev-)\w+/, '$1<function>'));
    expect([...new Set(patterns)].sort()).toEqual([
      '${Api}/$default/GET/edge/greenhouse-dev/groups/*',
      '${Api}/$default/POST/edge/greenhouse-dev/groups/*',
      '*',
      '/deployments/*',
      '/failures/requests/*',
      '/failures/rules/*',
      '/groups/*/definition.json',
      '/logs/*',
      '/packages/*',
      '/registry/*',
      '/registry/*/index.json',
      '/requests/*',
      '/results/*',
      '/revisions/*',
      '/status/*',
      '/uploads/*',
      'cert/*',
      'function:greenhouse-dev-edge-*',
      'function:greenhouse-forecaster-dev:*',
      'log-group:/aws/lambda/greenhouse-dev-<function>:*',
      'topic/edge/greenhouse-dev/core/*/accepted',
      'topic/edge/greenhouse-dev/core/*/refused',
      'topic/edge/greenhouse-dev/core/*/revision',
    ]);
    // What the operator keeps beside definitions is none of the functions' business.
    expect(granted(template, 'EdgePerformDeploymentRole', 's3:PutObject')).toContainEqual(
      expect.stringContaining('/groups/*/definition.json'),
    );
  });

  it('lets the cloud run a function of the stack under the name that it has there', () => {
    expect(granted(template, 'EdgeCloudRemoteExecutionRole', 'lambda:InvokeFunction')).toEqual([
      expect.stringMatching(/function:greenhouse-dev-edge-\*/),
      expect.stringMatching(/function:greenhouse-forecaster-dev"/),
      expect.stringMatching(/function:greenhouse-forecaster-dev:\*"/),
    ]);
  });

  it('makes things for the group that asks for it', () => {
    expect(
      ofType(template, 'AWS::IoT::Thing').map(([, { Properties }]) => Properties?.['ThingName']),
    ).toEqual(['greenhouse-dev-north-core', 'sensor-1']);
    expect(
      ofType(template, 'AWS::IoT::ThingGroup').map(([, { Properties }]) => Properties?.['ThingGroupName']),
    ).toEqual(['greenhouse-dev-north']);
  });
});

describe('the template of a service with an engine of its choice', () => {
  // Here with the others, because the first check of a process takes long.
  it.each(ENGINES.map(({ name }) => name))(
    'is right by the schemas of CloudFormation with %s',
    async (name) => {
      const template = await templateOf((yaml) => yaml.replace(/^edge:\n/m, `edge:\n  engine: ${name}\n`));
      await expect(templateProblems(template)).resolves.toEqual([]);
    },
    60_000,
  );
});

describe('the template on the local cloud', () => {
  it('brings up groups whose things the stack has made, with roles that have a boundary', async () => {
    const boundary = "  iam: { role: { permissionsBoundary: 'arn:aws:iam::123456789012:policy/boundary' } }";
    const service = await copyOf('greenhouse', (yaml) =>
      yaml.replace('provider:\n', `provider:\n${boundary}\n`),
    );
    await service.sls('package');
    const environment = await startTestEnvironment({
      serviceDir: service.dir,
      packageDir: `${service.dir}/.serverless`,
    });
    try {
      const { north, south } = environment.groups;
      expect(north?.core.thingName).toBe('greenhouse-dev-north-core');
      expect(Object.keys(north?.definition.statics ?? {}).sort()).toEqual(['openVents', 'readMeter']);
      expect(Object.keys(south?.definition.devices ?? {})).toEqual(['sensor-2']);
      await expect(environment.operator.thingNames()).resolves.toEqual(
        expect.arrayContaining(['greenhouse-dev-north-core', 'greenhouse-dev-south-core', 'sensor-1']),
      );
    } finally {
      await environment.close();
    }
  });
});

describe('the template of a service with settings of its own', () => {
  const groups = Array.from(
    { length: 20 },
    (_, index) => `    group-${index}:\n      devices: ['d${index}-*']\n`,
  );
  let template: CompiledTemplate;

  beforeAll(async () => {
    template = await templateOf((yaml) =>
      yaml
        .replace('edge:\n', 'edge:\n  engine: { name: direct, sweepMinutes: 1 }\n')
        .replace('  groups:\n', `  groups:\n${groups.join('')}`)
        .replace(
          '  retention:\n',
          '  buckets:\n    functions: { existing: company-packages }\n    state: greenhouse-state\n  retention:\n',
        )
        .replace(
          '  runtime: nodejs22.x\n',
          `  runtime: nodejs22.x
  httpApi: { payload: '1.0' }
  tracing: { lambda: true }
  kmsKeyArn: arn:aws:kms:eu-west-1:123456789012:key/1
  layers: ['arn:aws:lambda:eu-west-1:123456789012:layer:tools:1']
  vpc: { securityGroupIds: [sg-0123456789abcdef0], subnetIds: [subnet-0123456789abcdef0] }
`,
        ).concat(`
resources:
  extensions:
    EdgeStateBucket:
      DeletionPolicy: Retain
      Properties:
        VersioningConfiguration: { Status: Suspended }
    PerformDeploymentLambdaFunction:
      Properties: { MemorySize: 1769 }
    EdgeCoreRole:
      Properties: { MaxSessionDuration: 7200 }
`),
    );
  });

  it('is right by the schemas of CloudFormation', async () => {
    await expect(templateProblems(template)).resolves.toEqual([]);
  });

  it('is changed by resources.extensions', () => {
    expect(template.Resources['EdgeStateBucket']).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: { BucketName: 'greenhouse-state', VersioningConfiguration: { Status: 'Suspended' } },
    });
    expect(properties(template, 'PerformDeploymentLambdaFunction')).toMatchObject({ MemorySize: 1769 });
    expect(properties(template, 'EdgeCoreRole')).toMatchObject({ MaxSessionDuration: 7200 });
  });

  it('leaves an existing bucket as it is, but for the notification', () => {
    expect(
      Object.keys(template.Resources).filter((id) => /^EdgeFunctionsBucket|EdgeCreateFunctionPerm/.test(id)),
    ).toEqual([]);
    expect(ofType(template, 'Custom::S3').map(([, { Properties }]) => Properties)).toMatchObject([
      {
        BucketName: 'company-packages',
        FunctionName: 'greenhouse-dev-createFunction',
        BucketConfigs: [{ Event: 's3:ObjectCreated:*', Rules: [{ Prefix: 'uploads/' }, { Suffix: '.zip' }] }],
      },
    ]);
    expect(template.Outputs?.['EdgeFunctionsBucket']?.Value).toBe('company-packages');
    expect(granted(template, 'EdgeCreateFunctionRole', 's3:PutObject')[0]).toContain('company-packages');
  });

  it('keeps system functions out of what the service gives all of its functions', () => {
    const report = properties(template, 'ReportLambdaFunction');
    const system = properties(template, 'ValidateFunctionLambdaFunction');
    expect(report).toHaveProperty('VpcConfig');
    expect(system).not.toHaveProperty('VpcConfig');
    expect(report['Layers']).toHaveLength(1);
    expect(system['Layers'] ?? []).toHaveLength(0);
    expect(properties(template, 'HttpApiIntegrationValidateFunction')).toMatchObject({
      PayloadFormatVersion: '2.0',
    });
  });

  it('lets system functions do what settings of the service need', () => {
    expect(granted(template, 'EdgeValidateFunctionRole', 'kms:Decrypt')).toEqual([
      '"arn:aws:kms:eu-west-1:123456789012:key/1"',
    ]);
    expect(granted(template, 'EdgeValidateFunctionRole', 'xray:PutTraceSegments')).toEqual(['"*"']);
  });

  it('sweeps as often as asked', () => {
    const [[, rule] = []] = ofType(template, 'AWS::Events::Rule');
    expect(rule?.Properties?.['ScheduleExpression']).toBe('rate(1 minute)');
  });
});

describe("the permissions boundary of the service's roles", () => {
  const boundaries = (template: CompiledTemplate) =>
    ofType(template, 'AWS::IAM::Role').map(([, { Properties }]) => Properties?.['PermissionsBoundary']);
  const BOUNDARY = 'arn:aws:iam::123456789012:policy/boundary';
  const inProvider = (text: string) => (yaml: string) => yaml.replace('provider:\n', `provider:\n${text}\n`);

  it.each([
    ['as the framework wants it', `  iam: { role: { permissionsBoundary: '${BOUNDARY}' } }`],
    ['in its older spelling', `  iam: { role: { permissionBoundary: '${BOUNDARY}' } }`],
  ])(
    'is on every role, %s',
    async (_how, text) => {
      const template = await templateOf(inProvider(text));
      const found = boundaries(template);
      expect(found.length).toBeGreaterThan(8);
      expect(new Set(found)).toEqual(new Set([BOUNDARY]));
      await expect(templateProblems(template)).resolves.toEqual([]);
    },
    60_000,
  );

  it('is on none without one', async () => {
    expect(new Set(boundaries(await templateOf()))).toEqual(new Set([undefined]));
  });
});

describe('physical names', () => {
  /** Every name that must be the only one in an account, region and type. */
  const NAMES =
    /^(FunctionName|BucketName|PolicyName|RoleName|RoleAlias|LogGroupName|ThingName|ThingGroupName|QueueName|RuleName|Sql)$/;

  function names(template: CompiledTemplate): string[] {
    const found: string[] = [];
    for (const { Type, Properties } of Object.values(template.Resources)) {
      // Inline policies are named within their role.
      const visit = (value: unknown): void => {
        if (value === null || typeof value !== 'object') return;
        for (const [key, inner] of Object.entries(value)) {
          const reference = typeof inner === 'object' && /"(Ref|Fn::GetAtt)"/.test(JSON.stringify(inner));
          const inline = Type === 'AWS::IAM::Role' && key === 'PolicyName';
          if (NAMES.test(key) && !inline && (!reference || key === 'RoleName')) {
            found.push(`${Type} ${key} ${JSON.stringify(inner)}`);
          } else visit(inner);
        }
      };
      visit(Properties);
    }
    return found;
  }

  it('are never the same for two services or two stages of one account', async () => {
    const cloudFunctionsOf = (template: CompiledTemplate) =>
      JSON.stringify(granted(template, 'EdgeCreateFunctionRole', 'lambda:CreateFunction'));
    // The sensors are the same devices, whichever service serves them.
    const own = (yaml: string): string =>
      yaml.replace('greenhouse-forecaster', 'forecaster').replace('sensor-1, ', '');
    const renamed = (yaml: string): string =>
      own(yaml)
        .replace('service: greenhouse', 'service: orchard')
        .replace('name: forecaster', 'name: picker');
    const templates = [
      await templateOf(own),
      await templateOf(own, { stage: 'prod' }),
      await templateOf(renamed),
      await templateOf(renamed, { stage: 'prod' }),
    ];
    const all = templates.flatMap((template) => [...new Set(names(template)), cloudFunctionsOf(template)]);
    expect(all.length).toBeGreaterThan(100);
    expect(all.filter((name, index) => all.indexOf(name) !== index)).toEqual([]);
    const kinds = new Set(all.map((name) => name.split(' ')[1]));
    for (const kind of [
      'FunctionName',
      'BucketName',
      'PolicyName',
      'RoleAlias',
      'LogGroupName',
      'ThingName',
      'Sql',
    ]) {
      expect(kinds).toContain(kind);
    }
  });
});
