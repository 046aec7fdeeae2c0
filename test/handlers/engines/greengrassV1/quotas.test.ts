import {
  CreateFunctionDefinitionCommand,
  CreateGroupCommand,
  CreateSubscriptionDefinitionCommand,
  type GroupVersion,
} from '@aws-sdk/client-greengrass';
import { startV1, type TestV1 } from '../../../local/services/greengrassV1/harness';
import { plant } from '../../fixtures';
import {
  arnOf,
  claiming,
  engineOn,
  functionsOf,
  GROUP,
  published,
  readFunctions,
  readGroup,
  type TestEngine,
} from './support';

/** The system functions take three of the two hundred. */
const MOST = 197;
const THEIRS = 'arn:aws:lambda:eu-central-1:000000000000:function:theirs:';

let v1: TestV1;
let test_: TestEngine;
beforeEach(async () => {
  v1 = await startV1();
  test_ = engineOn(v1.client);
});
afterEach(() => v1.close());

const detect = published('detect', '1.0.0');
const full = Array.from({ length: MOST }, (_, n) => published(`f${n}`, '1.0.0'));
const made = () => v1.requests.filter((operation) => operation.startsWith('Create'));
const succeed = () => {
  v1.step();
  v1.report({ status: 'Success' });
};
const refused = async (revision: number) =>
  Object.keys((await test_.engine.recorded('plant', revision))?.failures ?? {});
const consoleGroup = (InitialVersion: GroupVersion) =>
  v1.client.send(new CreateGroupCommand({ Name: GROUP, InitialVersion }));

test('of functions that are too many, those that came last are refused by name, and nothing is created', async () => {
  await test_.engine.apply(claiming(1, ...full));
  succeed();
  v1.requests.length = 0;
  expect(await test_.engine.apply(claiming(2, ...full, detect))).toMatchObject({
    state: 'failed',
    error: { code: 'DEPLOYMENT_FAILED', field: 'functions', expected: 'at most 200' },
    failures: { 'detect@1.0.0': { error: { code: 'DEPLOYMENT_FAILED' } } },
  });
  expect(await refused(2)).toEqual(['detect@1.0.0']);
  expect(made()).toEqual([]);
  expect(await test_.engine.apply(claiming(3, ...full))).toMatchObject({ state: 'succeeded' });
});

test('of a new group, as many are refused as are too many, those of devices before those of the operator', async () => {
  const names = full.map(({ name }) => [name, { version: '1.0.0', seq: 1 }] as const);
  const { claims } = claiming(1, detect);
  const statics = Object.fromEntries(names);
  await test_.engine.apply(plant({ statics, claims, functions: functionsOf([...full, detect]) }));
  expect(await refused(1)).toEqual(['detect@1.0.0']);
  expect(made()).toEqual([]);
});

test('a full group takes the next version of a function that it has', async () => {
  await test_.engine.apply(claiming(1, ...full));
  succeed();
  const next = published('f0', '1.1.0', '2');
  expect(await test_.engine.apply(claiming(2, next, ...full.slice(1)))).toMatchObject({
    state: 'inProgress',
  });
  const arns = (await readFunctions(v1.client, await readGroup(v1.client))).map((each) => each.FunctionArn);
  expect(arns).toContain(arnOf(next));
});

test('a second version beside the one that stays is refused, and that one serves in its place', async () => {
  await test_.engine.apply(claiming(1, ...full));
  succeed();
  const next = published('f0', '1.1.0', '2');
  const { claims, functions, devices } = claiming(2, ...full);
  const asked = plant({
    revision: 2,
    devices: { ...devices, 'camera-9': { ...devices['camera-1']!, certificateId: '9'.repeat(64) } },
    claims: { ...claims, 'camera-9/f0': { version: '1.1.0', seq: 9 } },
    functions: { ...functions, ...functionsOf([next]) },
  });
  expect((await test_.engine.apply(asked)).failures).toMatchObject({ 'f0@1.1.0': { running: '1.0.0' } });
});

test('functions of the user count, and none of them is refused', async () => {
  const Functions = Array.from({ length: MOST }, (_, n) => ({ Id: `t${n}`, FunctionArn: `${THEIRS}${n}` }));
  const { LatestVersionArn } = await v1.client.send(
    new CreateFunctionDefinitionCommand({ InitialVersion: { Functions } }),
  );
  await consoleGroup({ FunctionDefinitionVersionArn: LatestVersionArn! });
  await test_.engine.apply(claiming(1, detect));
  expect(await refused(1)).toEqual(['detect@1.0.0']);
});

test('too many subscriptions from the cloud fail before anything is created', async () => {
  const Subscriptions = Array.from({ length: 48 }, (_, n) => ({
    ...{ Id: `s${n}`, Source: 'cloud', Subject: `orders/${n}`, Target: `${THEIRS}1` },
  }));
  const { LatestVersionArn } = await v1.client.send(
    new CreateSubscriptionDefinitionCommand({ InitialVersion: { Subscriptions } }),
  );
  await consoleGroup({ SubscriptionDefinitionVersionArn: LatestVersionArn! });
  v1.requests.length = 0;
  expect(await test_.engine.apply(claiming(1, detect))).toMatchObject({
    state: 'failed',
    error: { code: 'DEPLOYMENT_FAILED', field: 'subscriptions from the cloud', expected: 'at most 50' },
  });
  expect(made()).toEqual([]);
});
