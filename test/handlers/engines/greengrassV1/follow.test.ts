import { CreateDeploymentCommand, CreateGroupVersionCommand } from '@aws-sdk/client-greengrass';
import { startV1, type TestV1 } from '../../../local/services/greengrassV1/harness';
import { plant } from '../../fixtures';
import {
  arnOf,
  claiming,
  engineOn,
  functionsOf,
  published,
  readGroup,
  SETTINGS,
  SYSTEM,
  type TestEngine,
} from './support';

let v1: TestV1;
let test_: TestEngine;
beforeEach(async () => {
  v1 = await startV1();
  test_ = engineOn(v1.client);
});
afterEach(() => v1.close());

const detect = published('detect', '1.0.0');
const count = published('count', '1.0.0');
const status = (revision: number) => test_.engine.status('plant', revision);
const succeed = () => {
  v1.step();
  v1.report({ status: 'Success' });
};
const fail = (errorMessage: string) => {
  v1.step();
  v1.report({ status: 'Failure', errorMessage });
};

test('status follows Building and InProgress to Success', async () => {
  await test_.engine.apply(claiming(1, detect));
  expect(await status(1)).toMatchObject({ state: 'inProgress' });
  v1.step();
  expect(await status(1)).toMatchObject({ state: 'inProgress' });
  v1.report({ status: 'Success' });
  expect(await status(1)).toMatchObject({ state: 'succeeded' });
  v1.requests.length = 0;
  expect(await status(1)).toMatchObject({ state: 'succeeded' });
  expect(v1.requests).toEqual([]);
});

test('a failure has the message of Greengrass and names the functions that the deployment added', async () => {
  await test_.engine.apply(claiming(1, detect));
  succeed();
  await test_.engine.apply(claiming(2, detect, count, published('sum', '2.0.0')));
  fail('Artifact download retry exceeded the max retries');
  expect(await status(2)).toMatchObject({
    state: 'failed',
    error: { code: 'DEPLOYMENT_FAILED', message: expect.stringContaining('Artifact download') as string },
    failures: { 'count@1.0.0': { error: {} }, 'sum@2.0.0': {} },
  });
  expect(Object.keys((await status(2))?.failures ?? {})).toEqual(['count@1.0.0', 'sum@2.0.0']);
});

test('where the message names a function, only that one failed', async () => {
  const [one, twelve] = [published('detect', '1.0.0', '1'), published('count', '1.0.0', '12')];
  await test_.engine.apply(claiming(1, one, twelve));
  fail(`The function ${arnOf(twelve)} could not be loaded`);
  expect(Object.keys((await status(1))?.failures ?? {})).toEqual(['count@1.0.0']);
});

test('what fails for every deployment of the account is the fault of no function', async () => {
  await test_.engine.apply(claiming(1, detect));
  fail('TES service role is not associated with this account.');
  const failed = await status(1);
  expect(failed).toMatchObject({ state: 'failed', error: { code: 'DEPLOYMENT_FAILED' } });
  expect(failed).not.toHaveProperty('failures');
});

test('where the message names a system function, such as for its state folder, no other one is blamed', async () => {
  await test_.engine.apply(claiming(1, detect));
  fail(`resource access policy is invalid, functionArn: ${SYSTEM.edgeCoreMonitor}, resource: /var/lib`);
  const failed = await status(1);
  expect(failed).toMatchObject({ state: 'failed', error: { code: 'DEPLOYMENT_FAILED' } });
  expect(failed).not.toHaveProperty('failures');
});

test('a version of which another one runs on is named with it', async () => {
  await test_.engine.apply(claiming(1, detect));
  succeed();
  await test_.engine.apply(claiming(2, published('detect', '1.1.0', '2')));
  fail('no');
  expect((await status(2))?.failures).toMatchObject({ 'detect@1.1.0': { running: '1.0.0' } });
});

test('after a failure the revision without the failed function is a deployment of its own', async () => {
  await test_.engine.apply(claiming(1, detect));
  succeed();
  await test_.engine.apply(claiming(2, detect, count));
  fail('no');
  await status(2);
  expect(await test_.engine.apply(claiming(3, detect))).toMatchObject({ state: 'inProgress' });
  succeed();
  expect(await status(3)).toMatchObject({ state: 'succeeded' });
});

test('one deployment waits for the one in flight, and begins when that has ended', async () => {
  await test_.engine.apply(claiming(1, detect));
  v1.step();
  const second = claiming(2, detect, count);
  const waiting = await test_.engine.apply(second);
  expect(waiting).toMatchObject({ state: 'waiting', error: { code: 'CONFLICT' } });
  expect(await status(2)).toEqual(waiting);
  v1.report({ status: 'Success' });
  // Undefined: to be applied again.
  expect(await status(2)).toBeUndefined();
  expect(await test_.engine.apply(second)).toMatchObject({ state: 'inProgress' });
  succeed();
  expect(await status(2)).toMatchObject({ state: 'succeeded' });
});

test("somebody else's deployment of the group is waited for, too", async () => {
  await test_.engine.apply(claiming(1, detect));
  succeed();
  const group = await readGroup(v1.client);
  const { Version } = await v1.client.send(
    new CreateGroupVersionCommand({ GroupId: group.id, ...group.definitions }),
  );
  await v1.client.send(
    new CreateDeploymentCommand({
      GroupId: group.id,
      GroupVersionId: Version!,
      DeploymentType: 'NewDeployment',
    }),
  );
  expect(await test_.engine.apply(claiming(2, count))).toMatchObject({ state: 'waiting' });
  succeed();
  expect(await status(2)).toBeUndefined();
});

test('two performers at once never deploy at once, and both end with the whole revision', async () => {
  await test_.engine.apply(claiming(1, detect));
  succeed();
  const other = engineOn(v1.client);
  const definition = claiming(2, detect, count);
  const both = await Promise.all([test_.engine.apply(definition), other.engine.apply(definition)]);
  expect(both.map(({ state }) => state)).toContain('inProgress');
  succeed();
  // One of them was in flight, whoever began it.
  expect(v1.deliveries).toHaveLength(2);
  for (const { engine } of [test_, other]) {
    while ((await engine.apply(definition)).state !== 'succeeded') succeed();
  }
  const functions = v1.deliveries.at(-1)?.definitions.FunctionDefinitionVersionArn?.Functions;
  expect(functions).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ FunctionArn: arnOf(detect) }),
      expect.objectContaining({ FunctionArn: arnOf(count) }),
    ]),
  );
});

test('two performers of the very first revision deploy one group, whoever made it', async () => {
  const other = engineOn(v1.client);
  await Promise.all([test_, other].map(({ engine }) => engine.apply(claiming(1, detect))));
  while ((await test_.engine.apply(claiming(1, detect))).state !== 'succeeded') succeed();
  expect(await other.engine.apply(claiming(1, detect))).toMatchObject({ state: 'succeeded' });
  expect(new Set(v1.deliveries.map(({ groupId }) => groupId)).size).toBe(1);
});

test('with a later revision under way, the records of those before it have an end', async () => {
  await test_.engine.apply(claiming(1, detect));
  v1.step();
  await test_.engine.apply(claiming(2, detect, count));
  await test_.engine.apply(claiming(3, count));
  v1.report({ status: 'Failure', errorMessage: 'no' });
  await test_.engine.apply(claiming(4, count));
  const states = await Promise.all([1, 2, 3, 4].map((revision) => test_.engine.recorded('plant', revision)));
  expect(states.map((each) => each?.state)).toEqual(['failed', 'superseded', 'superseded', 'inProgress']);
});

test('what Greengrass refuses for good is a failed deployment; what may pass is thrown, to be tried again', async () => {
  const core = { thingName: 'core-1', certificateId: 'none', seq: 2 };
  expect(await test_.engine.apply({ ...claiming(1, detect), core })).toMatchObject({
    state: 'failed',
    error: { code: 'DEPLOYMENT_FAILED', details: { name: 'InvalidContainerDefinitionException' } },
  });
  const denied = engineOn(v1.clientOf(v1.credentialsOf()));
  await expect(denied.engine.apply(claiming(2, detect))).rejects.toMatchObject({
    code: 'CLOUD_ERROR',
    retryable: true,
  });
  v1.throttle.set('ListGroups', 1);
  await expect(engineOn(v1.client).engine.apply(claiming(2, detect))).rejects.toMatchObject({
    code: 'CLOUD_ERROR',
    details: { name: 'TooManyRequestsException' },
  });
});

test('an event names the group that it is about, and no group of others', async () => {
  await test_.engine.apply(claiming(1, detect));
  const [event] = v1.events;
  expect(await test_.engine.groupOf(event)).toBe('plant');
  expect(
    await test_.engine.groupOf({ source: 'aws.greengrass', detail: { 'group-id': 'gone' } }),
  ).toBeUndefined();
  expect(await test_.engine.groupOf({ source: 'aws.greengrass', detail: {} })).toBeUndefined();
  expect(await test_.engine.groupOf({ source: 'aws.s3' })).toBeUndefined();
  const elsewhere = engineOn(v1.client, { ...SETTINGS, corePrefix: 'edge/other-dev' });
  expect(await elsewhere.engine.groupOf(event)).toBeUndefined();
});

test('a redeploy keeps what devices brought in', async () => {
  await test_.engine.apply(claiming(1, detect));
  succeed();
  const withStatics = plant({
    ...claiming(2, detect),
    statics: { count: { version: '1.0.0', seq: 1 } },
    functions: functionsOf([detect, count]),
  });
  await test_.engine.apply(withStatics);
  v1.step();
  const functions = v1.deliveries.at(-1)?.definitions.FunctionDefinitionVersionArn?.Functions as {
    FunctionArn: string;
  }[];
  expect(functions.map(({ FunctionArn }) => FunctionArn)).toEqual(
    expect.arrayContaining([arnOf(detect), arnOf(count)]),
  );
});

test('a deployment that is lost is to be applied again', async () => {
  await test_.engine.apply(claiming(1, detect));
  const [record] = test_.records.written;
  await test_.records.write({ ...record!, engineId: 'no-such-deployment' });
  expect(await status(1)).toBeUndefined();
  expect(await status(7)).toBeUndefined();
});
