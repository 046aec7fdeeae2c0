import { DisableTopicRuleCommand, EnableTopicRuleCommand } from '@aws-sdk/client-iot';
import { PublishCommand } from '@aws-sdk/client-iot-data-plane';
import type { RuleTargets } from '../../../../local/services/iotCore';
import {
  ACCOUNT,
  addDevice,
  allow,
  closeClients,
  connect,
  roleOf,
  startCloud,
  type TestCloud,
} from './harness';

interface Invocation {
  functionArn: string;
  caller: { service: string; sourceArn: string };
  payload: unknown;
}

/** In-memory neighbours: what rules did to them. */
class Targets implements RuleTargets {
  readonly invocations: Invocation[] = [];
  readonly objects = new Map<string, string>();
  refuse = false;
  private readonly waiting: (() => void)[] = [];

  invoked(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  invokeLambda(functionArn: string, caller: Invocation['caller'], payload: Buffer): Promise<void> {
    if (this.refuse) return Promise.reject(new Error('no permission to invoke'));
    this.invocations.push({ functionArn, caller, payload: JSON.parse(payload.toString()) });
    for (const resolve of this.waiting.splice(0)) resolve();
    return Promise.resolve();
  }

  putObject(bucket: string, key: string, body: Buffer): Promise<void> {
    this.objects.set(`${bucket}/${key}`, body.toString());
    return Promise.resolve();
  }
}

const FUNCTION = `arn:aws:lambda:eu-central-1:${ACCOUNT}:function:handle`;
const lambda = { lambda: { functionArn: FUNCTION } };

let test_: TestCloud;
let targets: Targets;
beforeEach(async () => {
  test_ = await startCloud();
  targets = new Targets();
  test_.iotCore.connect(targets);
});
afterEach(async () => {
  await closeClients();
  await test_.close();
});

function ruleRole(service = 'iot.amazonaws.com', resource = 'arn:aws:s3:::state/status/*'): string {
  return test_.cloud.iam.putRole(roleOf('rules', service, [allow('s3:PutObject', resource)])).arn;
}

const s3 = (key: string, roleArn: string) => ({ s3: { bucketName: 'state', key, roleArn } });

test("a device's message reaches the function, with an identity that no payload can forge", async () => {
  const sql = `SELECT encode(*, 'base64') AS payload, topic(4) AS core, principal() AS principal FROM 'edge/shop-dev/core/+/update'`;
  const { arn: sourceArn } = test_.iotCore.putRule('update', { sql, actions: [lambda] });
  const device = await addDevice(test_, 'core-1', [allow('*', '*')]);
  const client = await connect(test_, device);
  const invoked = targets.invoked();
  await client.publishAsync('edge/shop-dev/core/core-1/status', '{}', { qos: 1 });
  await client.publishAsync('edge/shop-dev/core/core-1/update', '{"core":"other"', { qos: 1 });
  await invoked;
  expect(targets.invocations).toEqual([
    {
      functionArn: FUNCTION,
      caller: { service: 'iot.amazonaws.com', sourceArn },
      payload: {
        payload: Buffer.from('{"core":"other"').toString('base64'),
        core: 'core-1',
        principal: device.certificateId,
      },
    },
  ]);
});

async function publish(topic: string, payload: string): Promise<void> {
  await test_.data.send(new PublishCommand({ topic, payload: Buffer.from(payload) }));
  await test_.cloud.events.idle();
}

test('an object is stored under a key from the message', async () => {
  const action = s3('status/${topic(2)}/${boot}/${seq}.json', ruleRole());
  test_.iotCore.putRule('status', { sql: "SELECT * FROM 'core/+/status'", actions: [action] });
  await publish('core/core-1/status', '{"boot":"1","seq":"2"}');
  expect([...targets.objects]).toEqual([['state/status/core-1/1/2.json', '{"boot":"1","seq":"2"}']]);
});

test('a disabled rule does nothing until it is enabled again', async () => {
  const action = s3('status/${topic(2)}.json', ruleRole());
  test_.iotCore.putRule('status', { sql: "SELECT * FROM 'core/+/status'", actions: [action] });
  await test_.iot.send(new DisableTopicRuleCommand({ ruleName: 'status' }));
  await publish('core/core-1/status', '{}');
  expect(targets.objects.size).toBe(0);
  await test_.iot.send(new EnableTopicRuleCommand({ ruleName: 'status' }));
  await publish('core/core-1/status', '{}');
  expect([...targets.objects.keys()]).toEqual(['state/status/core-1.json']);
  await expect(test_.iot.send(new DisableTopicRuleCommand({ ruleName: 'none' }))).rejects.toMatchObject({
    name: 'UnauthorizedException',
  });
});

test.each([
  ['the role does not trust AWS IoT', () => ruleRole('lambda.amazonaws.com')],
  ['the role may not write there', () => ruleRole('iot.amazonaws.com', 'arn:aws:s3:::state/other/*')],
  ['the message lacks a field of the key', () => ruleRole()],
])('nothing is stored when %s', async (what, roleArn) => {
  const action = s3('status/${boot}.json', roleArn());
  test_.iotCore.putRule('status', { sql: "SELECT * FROM 'status'", actions: [action] });
  await publish('status', what.includes('lacks') ? '{}' : '{"boot":"1"}');
  expect(targets.objects.size).toBe(0);
  expect(test_.log).toContainEqual(expect.objectContaining({ msg: 'rule action failed', rule: 'status' }));
});

test('a failed action runs the error action over a description of the failure', async () => {
  targets.refuse = true;
  const errorAction = s3('status/failed.json', ruleRole());
  test_.iotCore.putRule('update', { sql: "SELECT * FROM 'update'", actions: [lambda], errorAction });
  await publish('update', 'original');
  const failure: unknown = JSON.parse(targets.objects.get('state/status/failed.json') ?? '');
  expect(failure).toMatchObject({
    ruleName: 'update',
    topic: 'update',
    clientId: 'n/a',
    base64OriginalPayload: Buffer.from('original').toString('base64'),
    failures: [
      { failedAction: 'LambdaAction', failedResource: FUNCTION, errorMessage: 'no permission to invoke' },
    ],
  });
});

test('a rule is replaced, disabled and deleted', async () => {
  const put = (sql: string, ruleDisabled = false) =>
    test_.iotCore.putRule('r', { sql, actions: [lambda], ruleDisabled });
  put("SELECT 1 AS v FROM 'a'");
  put("SELECT 2 AS v FROM 'a'");
  await publish('a', '{}');
  put("SELECT 3 AS v FROM 'a'", true);
  await publish('a', '{}');
  put("SELECT 4 AS v FROM 'a'");
  test_.iotCore.deleteRule('r');
  await publish('a', '{}');
  expect(targets.invocations.map(({ payload }) => payload)).toEqual([{ v: 2 }]);
});

test('bytes that are no JSON reach a function as base64', async () => {
  test_.iotCore.putRule('r', { sql: "SELECT * FROM 'a'", actions: [lambda] });
  await publish('a', 'not json');
  expect(targets.invocations[0]?.payload).toBe(Buffer.from('not json').toString('base64'));
});

test('what is not supported is refused by name', () => {
  const put = (sql: string, action: unknown, version?: string) => () =>
    test_.iotCore.putRule('r', {
      sql,
      actions: [action as typeof lambda],
      ...(version && { awsIotSqlVersion: version }),
    });
  expect(put("SELECT floor(a) AS a FROM 'a'", lambda)).toThrow(/floor/);
  expect(put("SELECT * FROM 'a'", { sqs: { queueUrl: 'x' } })).toThrow(/sqs/);
  expect(
    put("SELECT * FROM 'a'", { s3: { bucketName: 'b', key: 'k', roleArn: 'r', cannedAcl: 'private' } }),
  ).toThrow(/not supported/);
  expect(put("SELECT * FROM 'a'", lambda, '2015-10-08')).toThrow(/2015-10-08/);
});
