import { planStack } from '../../../local/stack/plan';
import { PROVIDERS } from '../../../local/services/cloudFormation';
import { parseTemplate } from '../../../local/stack/template';

const facts = { stackName: 'shop-dev', account: '000000000000', region: 'eu-west-1', parameters: {} };
const plan = (template: unknown) => planStack(parseTemplate(template), facts, PROVIDERS);
const order = (template: unknown) => plan(template).map(({ logicalId }) => logicalId);

const role = {
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Statement: [
        { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
      ],
    },
  },
};
const lambda = {
  Type: 'AWS::Lambda::Function',
  Properties: {
    Code: { S3Bucket: { Ref: 'Artifacts' }, S3Key: 'a.zip' },
    Handler: 'index.handler',
    Runtime: 'nodejs22.x',
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
  },
};

describe('planning a stack', () => {
  it('orders resources by reference, Sub and DependsOn', () => {
    const resources = order({
      Resources: {
        Function: { ...lambda, DependsOn: ['Logs'] },
        Logs: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: { 'Fn::Sub': '/aws/${Role}' } } },
        Role: role,
        Artifacts: { Type: 'AWS::S3::Bucket' },
      },
    });
    expect(resources).toHaveLength(4);
    expect(resources.indexOf('Function')).toBe(3);
    expect(resources.indexOf('Logs')).toBeGreaterThan(resources.indexOf('Role'));
  });

  it('names a cycle', () => {
    const loop = (other: string) => ({
      Type: 'AWS::Logs::LogGroup',
      Properties: { LogGroupName: { Ref: other } },
    });
    expect(() => plan({ Resources: { A: loop('B'), B: loop('C'), C: loop('A') } })).toThrow('A → B → C → A');
  });

  it('names every unknown type, property and reference at once', () => {
    const template = {
      Resources: {
        Table: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 'x' } },
        Bucket: {
          Type: 'AWS::S3::Bucket',
          Properties: { BucketName: 'b', WebsiteConfiguration: {}, ReplicationConfiguration: {} },
        },
        Rule: {
          Type: 'AWS::IoT::TopicRule',
          Properties: { TopicRulePayload: { Sql: 'x', Actions: [{ Sns: { TargetArn: 'x' } }] } },
        },
        Function: {
          ...lambda,
          Properties: { ...lambda.Properties, Role: { 'Fn::GetAtt': ['Rule', 'Color'] } },
        },
        Logs: { Type: 'AWS::Logs::LogGroup', DependsOn: 'Nowhere' },
      },
      Outputs: { Missing: { Value: { Ref: 'Gone' } } },
    };
    expect(() => plan(template)).toThrow(
      expect.objectContaining({
        name: 'ValidationError',
        message: expect.stringMatching(/cannot be deployed/),
      }),
    );
    const lines = [
      'Table (AWS::DynamoDB::Table): this resource type is not supported',
      'Bucket (AWS::S3::Bucket): WebsiteConfiguration: is not supported',
      'Bucket (AWS::S3::Bucket): ReplicationConfiguration: is not supported',
      'Rule (AWS::IoT::TopicRule): TopicRulePayload.Actions.0.Sns: is not supported',
      'Function (AWS::Lambda::Function): Rule (AWS::IoT::TopicRule) has no attribute Color',
      'Logs (AWS::Logs::LogGroup): DependsOn names Nowhere',
      'output Missing: there is no resource or parameter Gone',
    ];
    for (const line of lines) expect(() => plan(template)).toThrow(line);
  });

  it('refuses a section that it does not read, and a managed policy value of the wrong form', () => {
    expect(() => plan({ Transform: 'AWS::Serverless-2016-10-31', Resources: {} })).toThrow('Transform');
    expect(() => plan({ Resources: { Role: { Type: 'AWS::IAM::Role', Properties: {} } } })).toThrow(
      'Role (AWS::IAM::Role): AssumeRolePolicyDocument',
    );
  });

  it('leaves out what a condition leaves out, and refuses to refer to it', () => {
    const template = (reference: unknown) => ({
      Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
      Resources: {
        Queue: { Type: 'AWS::SQS::Queue', Condition: 'Never' },
        Logs: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: reference } },
      },
    });
    expect(order(template('plain'))).toEqual(['Logs']);
    expect(order(template({ 'Fn::If': ['Never', { Ref: 'Queue' }, 'else'] }))).toEqual(['Logs']);
    expect(() => plan(template({ Ref: 'Queue' }))).toThrow('refers to Queue');
  });
});
