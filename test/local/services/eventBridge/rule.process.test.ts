import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionPackage, type LocalCloud, startLocalCloud } from '../../../../local';
import type { Invocation } from '../../../../local/services/lambda';
import { until } from '../../../support/until';

const ASSUME = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};
const FAILED = {
  source: 'aws.greengrass',
  detailType: 'Greengrass V2 Effective Deployment Status Change',
  resources: ['arn:aws:greengrass:eu-west-1:000000000000:coreDevices:core-1'],
  detail: { deploymentId: 'd1', coreDeviceExecutionStatus: 'FAILED' },
};

let dir: string;
let cloud: LocalCloud;
let invocations: Invocation[];
let events: unknown[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rule-'));
  invocations = [];
  events = [];
  cloud = await startLocalCloud({
    stateDir: join(dir, 'cloud'),
    onInvocation: (invocation) => invocations.push(invocation),
    functionHost: { onLog: ({ text }) => events.push(JSON.parse(text)) },
  });
  const code = 'exports.handler = async (event) => (console.log(JSON.stringify(event)), event);';
  await writeFile(join(dir, 'on.zip'), await functionPackage({ 'index.js': code }));
});
afterEach(async () => {
  await cloud.close();
  await rm(dir, { recursive: true, force: true });
});

const template = (rule: object, permission = true): unknown => ({
  Resources: {
    Code: { Type: 'AWS::S3::Bucket', Properties: {} },
    Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'on', AssumeRolePolicyDocument: ASSUME } },
    On: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        FunctionName: 'on',
        Runtime: 'nodejs22.x',
        Handler: 'index.handler',
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        Code: { S3Bucket: { Ref: 'Code' }, S3Key: 'on.zip' },
      },
    },
    Rule: {
      Type: 'AWS::Events::Rule',
      Properties: { Targets: [{ Id: 'on', Arn: { 'Fn::GetAtt': ['On', 'Arn'] } }], ...rule },
    },
    ...(permission && {
      Permission: {
        Type: 'AWS::Lambda::Permission',
        Properties: {
          Action: 'lambda:InvokeFunction',
          FunctionName: { Ref: 'On' },
          Principal: 'events.amazonaws.com',
          SourceArn: { 'Fn::GetAtt': ['Rule', 'Arn'] },
        },
      },
    }),
  },
});
const deploy = (rule: object, permission?: boolean) =>
  cloud.deploy({ stackName: 'rules', template: template(rule, permission), artifacts: dir });
const WANTED = { source: ['aws.greengrass'], detail: { coreDeviceExecutionStatus: ['FAILED'] } };

test('an event that matches invokes the function; another does not', async () => {
  await deploy({ EventPattern: WANTED });
  const { eventBridge } = cloud.services;
  eventBridge.putEvent({ ...FAILED, detail: { coreDeviceExecutionStatus: 'COMPLETED' } });
  eventBridge.putEvent(FAILED);
  await until('the event', () => events[0]);
  await cloud.idle();
  expect(events).toEqual([
    {
      version: '0',
      id: expect.any(String) as string,
      'detail-type': FAILED.detailType,
      source: FAILED.source,
      account: cloud.account,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
      region: cloud.region,
      resources: FAILED.resources,
      detail: FAILED.detail,
    },
  ]);
});

test('a rule that is disabled, changed or removed no longer fires as it did', async () => {
  await deploy({ EventPattern: WANTED, State: 'DISABLED' });
  const { eventBridge } = cloud.services;
  eventBridge.putEvent(FAILED);
  await deploy({ EventPattern: { source: ['aws.s3'] } });
  eventBridge.putEvent(FAILED);
  await cloud.idle();
  expect(invocations).toEqual([]);
  await deploy({ EventPattern: WANTED });
  eventBridge.putEvent(FAILED);
  await until('the invocation', () => invocations[0]);
});

test('without the permission of the function nothing is invoked', async () => {
  await deploy({ EventPattern: WANTED }, false);
  cloud.services.eventBridge.putEvent(FAILED);
  await cloud.idle();
  expect(invocations).toEqual([]);
});

test.each([
  [{}, 'ScheduleExpression or EventPattern'],
  [{ EventPattern: { source: 'aws.s3' } }, 'list of values'],
  [{ EventPattern: { source: [{ cidr: '10.0.0.0/8' }] } }, 'not supported by the local cloud'],
  [{ EventPattern: WANTED, EventBusName: 'mine' }, 'EventBusName'],
])('%j is refused before anything is made', async (rule, message) => {
  await expect(deploy(rule)).rejects.toThrow(message);
});
