import { selectNeeded, type Selection } from '../../../local/stack/selection';
import { planStack } from '../../../local/stack/plan';
import { createScope } from '../../../local/stack/scope';
import { resolve } from '../../../local/stack/intrinsics';
import { parseUnderstood } from '../../../local/stack/template';
import { PROVIDERS } from '../../../local/services/cloudFormation';

const facts = { stackName: 'shop-dev', account: '000000000000', region: 'eu-west-1', parameters: {} };

function roleFor(service: string, Resource: unknown = '*') {
  const trust = { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' };
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: { Statement: [trust] },
      Policies: [
        {
          PolicyName: 'own',
          PolicyDocument: { Statement: [{ Effect: 'Allow', Action: '*', Resource }] },
        },
      ],
    },
  };
}

function lambda(role: unknown, more: Record<string, unknown> = {}) {
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Code: { S3Bucket: { Ref: 'Artifacts' }, S3Key: 'a.zip' },
      Handler: 'index.handler',
      Runtime: 'nodejs22.x',
      Role: role,
      ...more,
    },
  };
}

const arn = (logicalId: string) => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });

/** What the plugin adds, as far as it matters here: a function with its role, on a route. */
const own = {
  Artifacts: { Type: 'AWS::S3::Bucket', Properties: {} },
  EdgeValidateRole: roleFor('lambda.amazonaws.com'),
  ValidateLambdaFunction: lambda(arn('EdgeValidateRole')),
  ValidatePermission: {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      Action: 'lambda:InvokeFunction',
      FunctionName: arn('ValidateLambdaFunction'),
      Principal: 'apigateway.amazonaws.com',
    },
  },
  HttpApi: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'shop', ProtocolType: 'HTTP' } },
  HttpApiStage: {
    Type: 'AWS::ApiGatewayV2::Stage',
    Properties: { ApiId: { Ref: 'HttpApi' }, StageName: '$default', AutoDeploy: true },
  },
  Integration: {
    Type: 'AWS::ApiGatewayV2::Integration',
    Properties: {
      ApiId: { Ref: 'HttpApi' },
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: arn('ValidateLambdaFunction'),
      PayloadFormatVersion: '2.0',
    },
  },
  Route: {
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: {
      ApiId: { Ref: 'HttpApi' },
      RouteKey: 'POST /validate',
      AuthorizationType: 'AWS_IAM',
      Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Integration' }]] },
    },
  },
};

interface Raw {
  Resources: Record<string, unknown>;
  [section: string]: unknown;
}

/** The plugin's resources and these; `forecast` is a function that devices may use in the cloud. */
function select(resources: Record<string, unknown>, sections: Omit<Raw, 'Resources'> = {}): Selection {
  const template = parseUnderstood({ Resources: { ...own, ...resources }, ...sections });
  const roots = ['ValidateLambdaFunction', 'ForecastLambdaFunction'];
  const selection = selectNeeded(
    template,
    facts,
    PROVIDERS,
    (id) => id.startsWith('Edge') || roots.includes(id),
  );
  // Whatever is selected can be deployed.
  planStack(selection.template, { ...facts, standIns: selection.standIns }, PROVIDERS);
  return selection;
}

const made = ({ template }: Selection): string[] => Object.keys(template.Resources).sort();
const leftOut = (selection: Selection): string[] => selection.leftOut.map(({ logicalId }) => logicalId);

/** A property as it will be deployed; resources that are made give `made:<id>` and `made:<id>.<attribute>`. */
function deployed({ template, standIns }: Selection, logicalId: string, property: string): unknown {
  const scope = createScope(
    template,
    { ...facts, standIns },
    {
      find: (id) => (id in template.Resources ? { ref: `made:${id}`, attributes: {} } : undefined),
      attribute: (_resource, id, attribute) => `made:${id}.${attribute}`,
    },
  );
  return resolve(template.Resources[logicalId]?.Properties[property], scope);
}

describe('what an edge needs of a template', () => {
  it('is the plugin’s own: with the permission, the integration, the route and the stage', () => {
    const selection = select({});
    expect(made(selection)).toEqual(Object.keys(own).sort());
    expect(selection).toMatchObject({ leftOut: [], notes: [] });
  });

  it('is nothing that other functions have', () => {
    const selection = select({
      Table: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 'x' } },
      RestApi: { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: 'x' } },
      Jobs: { Type: 'AWS::SQS::Queue', Properties: {}, UpdatePolicy: {} },
      OtherRole: roleFor('lambda.amazonaws.com'),
      OtherLambdaFunction: lambda(arn('OtherRole'), { Runtime: 'python3.13', VpcConfig: {} }),
      OtherPermission: {
        Type: 'AWS::Lambda::Permission',
        Properties: { Action: 'x', FunctionName: arn('OtherLambdaFunction'), Principal: 'y' },
      },
      OtherRoute: {
        Type: 'AWS::ApiGatewayV2::Route',
        Properties: { ApiId: { Ref: 'HttpApi' }, RouteKey: 'GET /x', AuthorizationType: 'JWT' },
      },
      'Fn::ForEach::Topics': ['Name', ['a', 'b'], {}],
    });
    expect(made(selection)).toEqual(Object.keys(own).sort());
    expect(leftOut(selection)).toEqual([
      ...['Table', 'RestApi', 'Jobs', 'OtherRole', 'OtherLambdaFunction', 'OtherPermission', 'OtherRoute'],
    ]);
  });

  it('has the functions in the cloud with all that they refer to, and placeholders for what is not here', () => {
    const selection = select(
      {
        Table: { Type: 'AWS::DynamoDB::Table', Properties: {} },
        Files: { Type: 'AWS::S3::Bucket', Properties: { AccelerateConfiguration: {} } },
        ForecastRole: roleFor('lambda.amazonaws.com', [arn('Table'), arn('Files')]),
        ForecastLambdaFunction: lambda(arn('ForecastRole'), {
          Environment: {
            Variables: {
              TABLE: { Ref: 'Table' },
              FILES: { Ref: 'Files' },
              SITE: { 'Fn::GetAtt': ['Files', 'WebsiteURL'] },
              POOL: { 'Fn::Sub': '${Users}/${Users.Arn}' },
              ZONE: { 'Fn::Select': [0, { 'Fn::GetAZs': '' }] },
              QUEUE: { 'Fn::ImportValue': 'shared-QueueUrl' },
              SIZE: { Ref: 'Size' },
            },
          },
          VpcConfig: { SubnetIds: [{ Ref: 'Subnet' }] },
        }),
        Users: { Type: 'AWS::Cognito::UserPool', Properties: {} },
        Subnet: { Type: 'AWS::EC2::Subnet', Properties: {} },
      },
      { Parameters: { Size: { Type: 'String' } }, Transform: 'AWS::LanguageExtensions' },
    );
    expect(made(selection)).toEqual(
      [...Object.keys(own), 'Files', 'ForecastLambdaFunction', 'ForecastRole'].sort(),
    );
    expect(leftOut(selection)).toEqual(['Table', 'Users', 'Subnet']);
    expect(selection.leftOut[0]?.why).toMatch(/does not have this type/);
    expect([...selection.notes].sort()).toEqual([
      'Files: without AccelerateConfiguration',
      'ForecastLambdaFunction: without VpcConfig',
    ]);
    const pool = expect.stringMatching(
      /^(eu-west-1_\w{9})\/arn:aws:cognito-idp:eu-west-1:000000000000:userpool\/\1$/,
    );
    expect(deployed(selection, 'ForecastLambdaFunction', 'Environment')).toEqual({
      Variables: {
        TABLE: expect.stringMatching(/^shop-dev-Table-\w+$/),
        FILES: 'made:Files',
        SITE: expect.stringMatching(/^http:\/\/shop-dev-files-\w+\.s3-website-eu-west-1\./),
        POOL: pool,
        ZONE: 'eu-west-1a',
        QUEUE: 'https://shared-queueurl.invalid',
        SIZE: 'size',
      },
    });
    expect(JSON.stringify(deployed(selection, 'ForecastRole', 'Policies'))).toMatch(
      /arn:aws:dynamodb:eu-west-1:000000000000:table\/shop-dev-Table-\w+","made:Files\.Arn/,
    );
  });

  it('leaves out a resource whose values it cannot keep, and never opens a closed route', () => {
    const selection = select({
      ForecastLambdaFunction: lambda(arn('EdgeValidateRole')),
      ForecastIntegration: {
        ...own.Integration,
        Properties: { ...own.Integration.Properties, IntegrationUri: arn('ForecastLambdaFunction') },
      },
      ForecastRoute: {
        ...own.Route,
        Properties: {
          ...own.Route.Properties,
          RouteKey: 'GET /forecast',
          AuthorizationType: 'JWT',
          AuthorizerId: { Ref: 'Authorizer' },
          Target: { 'Fn::Sub': 'integrations/${ForecastIntegration}' },
        },
      },
      Authorizer: { Type: 'AWS::ApiGatewayV2::Authorizer', Properties: {} },
    });
    expect(made(selection)).toContain('ForecastIntegration');
    expect(selection.leftOut).toEqual([
      expect.objectContaining({
        logicalId: 'ForecastRoute',
        why: expect.stringContaining('AuthorizationType'),
      }),
      { logicalId: 'Authorizer', type: 'AWS::ApiGatewayV2::Authorizer' },
    ]);
  });

  it('keeps to conditions, and drops an output that leads nowhere', () => {
    const selection = select(
      {
        Sometimes: { Type: 'AWS::DynamoDB::Table', Condition: 'Never', Properties: {} },
        EdgeRole: { ...roleFor('iot.amazonaws.com'), DependsOn: ['Sometimes', 'Artifacts'] },
      },
      {
        Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
        Outputs: {
          Api: { Value: { 'Fn::GetAtt': ['HttpApi', 'ApiEndpoint'] } },
          Odd: { Value: { 'Fn::Cidr': [] }, Note: 'x' },
        },
      },
    );
    expect(selection.leftOut).toEqual([]);
    expect(selection.template.Resources['EdgeRole']?.DependsOn).toEqual(['Artifacts']);
    expect(Object.keys(selection.template.Outputs)).toEqual(['Api']);
  });
});

describe('what lives outside of the stack', () => {
  it('is stood in for: a bucket by name, a role by ARN, a policy, an imported API', () => {
    const api = { 'Fn::ImportValue': 'shared-api' };
    const onApi = ({ Properties, ...rest }: (typeof own)['Route' | 'Integration']) => ({
      ...rest,
      Properties: { ...Properties, ApiId: api },
    });
    const { HttpApi: _api, HttpApiStage: _stage, ...rest } = own;
    const role = 'arn:aws:iam::123456789012:role/teams/shop';
    const template = parseUnderstood({
      Resources: {
        ...rest,
        EdgeValidateRole: {
          ...own.EdgeValidateRole,
          Properties: {
            ...own.EdgeValidateRole.Properties,
            ManagedPolicyArns: [
              'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole',
              'arn:aws:iam::aws:policy/AmazonS3FullAccess',
            ],
          },
        },
        Route: onApi(own.Route),
        Integration: onApi(own.Integration),
        ForecastLambdaFunction: lambda(role, { Code: { S3Bucket: 'artifacts-of-all', S3Key: 'a.zip' } }),
      },
      Outputs: {
        EdgeHttpApiUrl: {
          Value: { 'Fn::Sub': ['https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}', { Api: api }] },
        },
      },
    });
    const selection = selectNeeded(template, facts, PROVIDERS, (id) => /^Edge|LambdaFunction$/.test(id));
    planStack(selection.template, { ...facts, standIns: selection.standIns }, PROVIDERS);
    const standIns = Object.entries(selection.template.Resources).filter(([, { Type }]) =>
      /^Local/.test(Type),
    );
    expect(standIns.map(([, { Type, Properties }]) => [Type, Properties['Name']]).sort()).toEqual([
      ['Local::Bucket', 'artifacts-of-all'],
      ['Local::HttpApi', 'shared-api'],
      ['Local::ManagedPolicy', 'arn:aws:iam::aws:policy/AmazonS3FullAccess'],
      ['Local::Role', role],
    ]);
    expect(selection.notes).toHaveLength(4);
    expect(deployed(selection, 'Route', 'ApiId')).toBe('shared-api');
    const [standIn] = standIns.find(([, { Type }]) => Type === 'Local::HttpApi') ?? [];
    expect(selection.template.Outputs['EdgeHttpApiUrl']?.Value).toEqual({
      'Fn::Join': ['', [{ 'Fn::GetAtt': [standIn, 'ApiEndpoint'] }, '']],
    });
    expect(selection.template.Resources['Route']?.DependsOn).toEqual([standIn]);
  });
});
