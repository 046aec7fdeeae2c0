import {
  CreateConnectorDefinitionCommand,
  CreateFunctionDefinitionCommand,
  CreateGroupCommand,
  CreateGroupVersionCommand,
  CreateResourceDefinitionCommand,
  CreateSubscriptionDefinitionCommand,
  DeleteSubscriptionDefinitionCommand,
  GetCoreDefinitionVersionCommand,
  GetDeviceDefinitionVersionCommand,
  GetFunctionDefinitionVersionCommand,
  GetLoggerDefinitionVersionCommand,
  GetResourceDefinitionVersionCommand,
  type GroupVersion,
} from '@aws-sdk/client-greengrass';
import { emptyDefinition } from '../../../../protocol';
import { functionFingerprint } from '../../../../protocol/greengrassV1';
import { startV1, type TestV1 } from '../../../local/services/greengrassV1/harness';
import { certificateOf, CORE, CORE_CERTIFICATE, manifestOf, plant } from '../../fixtures';
import {
  arnOf,
  claiming,
  engineOn,
  functionsOf,
  GROUP,
  idsOf,
  published,
  readFunctions,
  readGroup,
  readSubscriptions,
  SYSTEM,
  type TestEngine,
} from './support';

const THING = 'arn:aws:iot:eu-central-1:000000000000:thing/';
const CERT = 'arn:aws:iot:eu-central-1:000000000000:cert/';

let v1: TestV1;
let test_: TestEngine;
beforeEach(async () => {
  v1 = await startV1();
  test_ = engineOn(v1.client);
});
afterEach(() => v1.close());

const detect = published('detect', '1.0.0', '3', { memory: 256, timeout: 7, environment: { MODE: 'night' } });
const created = () => v1.requests.filter((operation) => operation.startsWith('Create'));
const success = () => {
  v1.step();
  v1.report({ status: 'Success' });
};

test('a new group gets its definitions and a deployment', async () => {
  const deployment = await test_.engine.apply(claiming(1, detect));
  expect(deployment).toMatchObject({ group: 'plant', revision: 1, state: 'inProgress', core: CORE });
  const group = await readGroup(v1.client);
  expect(Object.keys(group.definitions).sort()).toEqual([
    'CoreDefinitionVersionArn',
    'DeviceDefinitionVersionArn',
    'FunctionDefinitionVersionArn',
    'LoggerDefinitionVersionArn',
    'ResourceDefinitionVersionArn',
    'SubscriptionDefinitionVersionArn',
  ]);
  v1.step();
  expect(v1.deliveries).toMatchObject([{ groupName: GROUP, deploymentId: deployment.engineId }]);
  expect(test_.messages.notices).toEqual([{ core: CORE, group: 'plant', revision: 1 }]);
});

test('core and devices are things with their certificates; a revoked device is not in the group', async () => {
  await test_.engine.apply(claiming(1, detect));
  const { definitions } = await readGroup(v1.client);
  const core = idsOf(definitions.CoreDefinitionVersionArn);
  const cores = await v1.client.send(
    new GetCoreDefinitionVersionCommand({
      CoreDefinitionId: core.definition,
      CoreDefinitionVersionId: core.version,
    }),
  );
  expect(cores.Definition?.Cores).toMatchObject([
    { ThingArn: THING + CORE, CertificateArn: CERT + CORE_CERTIFICATE },
  ]);
  const device = idsOf(definitions.DeviceDefinitionVersionArn);
  const devices = await v1.client.send(
    new GetDeviceDefinitionVersionCommand({
      DeviceDefinitionId: device.definition,
      DeviceDefinitionVersionId: device.version,
    }),
  );
  expect(devices.Definition?.Devices).toMatchObject([
    { ThingArn: `${THING}camera-1`, CertificateArn: CERT + certificateOf('camera-1') },
  ]);
});

test('a function is a version of a Lambda function, with its limits in the units of V1', async () => {
  await test_.engine.apply(claiming(1, detect));
  const functions = await readFunctions(v1.client, await readGroup(v1.client));
  expect(functions.find(({ FunctionArn }) => FunctionArn === arnOf(detect))).toMatchObject({
    FunctionConfiguration: {
      MemorySize: 256 * 1024,
      Timeout: 7,
      Pinned: false,
      FunctionRuntimeOverride: 'nodejs12.x',
      Environment: { Variables: { MODE: 'night', EDGE_FUNCTION_KEY: 'detect@1.0.0' } },
    },
  });
});

test('the system functions come along: edgeCoreMonitor long-lived, told what is deployed', async () => {
  await test_.engine.apply(claiming(1, detect));
  const functions = await readFunctions(v1.client, await readGroup(v1.client));
  const of = (arn: string) => functions.find(({ FunctionArn }) => FunctionArn === arn);
  expect(functions).toHaveLength(4);
  expect(of(SYSTEM.edgeCoreMonitor)?.FunctionConfiguration).toMatchObject({
    Pinned: true,
    Environment: {
      Variables: { EDGE_GROUP: 'plant', EDGE_CORE: CORE, EDGE_DEPLOYED: functionFingerprint('detect@1.0.0') },
    },
  });
  expect(of(SYSTEM.handleDeviceRequest)?.FunctionConfiguration?.Pinned).toBe(false);
  expect(of(SYSTEM.edgeRemoteExecution)?.FunctionConfiguration?.Pinned).toBe(false);
});

test('subscriptions: common topics once for each device, a dedicated topic for each function of a device', async () => {
  const count = published('count', '1.0.0');
  await test_.engine.apply(claiming(1, detect, count));
  const subscriptions = await readSubscriptions(v1.client, await readGroup(v1.client));
  const from = (source: string) =>
    subscriptions
      .filter(({ Source }) => Source === source)
      .map(({ Subject, Target }) => [Subject, Target])
      .sort();
  const { edgeCoreMonitor, edgeRemoteExecution, handleDeviceRequest } = SYSTEM;
  expect(from(`${THING}camera-1`)).toEqual([
    ['edge/camera-1/ask/confirm', handleDeviceRequest],
    ['edge/camera-1/ask/invoke', edgeRemoteExecution],
    ['edge/camera-1/ask/join', handleDeviceRequest],
    ['edge/camera-1/ask/prefetch', handleDeviceRequest],
    ['edge/camera-1/ask/release', handleDeviceRequest],
    ['edge/camera-1/ask/request', handleDeviceRequest],
    ['edge/camera-1/call/count', edgeRemoteExecution],
    ['edge/camera-1/call/detect', edgeRemoteExecution],
  ]);
  expect(from('cloud')).toEqual(
    ['accepted', 'refused', 'revision'].map((kind) => [
      `edge/shop-dev/core/${CORE}/${kind}`,
      edgeCoreMonitor,
    ]),
  );
  expect(from(edgeCoreMonitor)).toEqual([
    ['edge/camera-1/reply/+', `${THING}camera-1`],
    [`edge/shop-dev/core/${CORE}/status`, 'cloud'],
    [`edge/shop-dev/core/${CORE}/update`, 'cloud'],
    ['edge/status', `${THING}camera-1`],
  ]);
  expect(subscriptions.map(({ Source }) => Source)).not.toContain(`${THING}camera-2`);
});

test('a preloaded function may be called by every device that may use it', async () => {
  const own = published('own', '1.0.0', '1', { devices: ['camera-9'] });
  const definition = plant({
    statics: { detect: { version: '1.0.0', seq: 1 }, own: { version: '1.0.0', seq: 1 } },
    functions: functionsOf([detect, own]),
  });
  await test_.engine.apply(definition);
  const subscriptions = await readSubscriptions(v1.client, await readGroup(v1.client));
  const calls = subscriptions.map(({ Subject = '' }) => Subject).filter((each) => each.includes('/call/'));
  expect(calls).toEqual(['edge/camera-1/call/detect']);
});

test('ids are the same each time, and of the form that V1 takes', async () => {
  await test_.engine.apply(claiming(1, detect));
  const first = await readSubscriptions(v1.client, await readGroup(v1.client));
  success();
  await test_.engine.apply(claiming(2, detect, published('count', '1.0.0')));
  const second = await readSubscriptions(v1.client, await readGroup(v1.client));
  for (const { Id, Source, Subject, Target } of first) {
    expect(Id).toMatch(/^[a-zA-Z0-9:_-]{1,128}$/);
    expect(second).toContainEqual({ Id, Source, Subject, Target });
  }
  expect(second).toHaveLength(first.length + 1);
});

test('the same revision again makes nothing anew and names the same deployment', async () => {
  const first = await test_.engine.apply(claiming(1, detect));
  const before = created();
  expect(await test_.engine.apply(claiming(1, detect))).toEqual(first);
  success();
  expect(await test_.engine.apply(claiming(1, detect))).toMatchObject({
    state: 'succeeded',
    engineId: first.engineId,
  });
  expect(created()).toEqual(before);
});

test('a revision that changes nothing in the group is announced, and deploys nothing', async () => {
  const first = await test_.engine.apply(claiming(1, detect));
  success();
  const before = created();
  const second = await test_.engine.apply({
    ...claiming(2, detect),
    entitlements: { detect: { devices: ['camera-*'], seq: 1 } },
  });
  expect(second).toMatchObject({ revision: 2, state: 'succeeded', engineId: first.engineId });
  expect(created()).toEqual(before);
  expect(test_.messages.notices.at(-1)).toMatchObject({ revision: 2 });
});

test('only definitions that change get a new version; all others are carried over', async () => {
  await test_.engine.apply(claiming(1, detect));
  const before = (await readGroup(v1.client)).definitions;
  success();
  v1.requests.length = 0;
  await test_.engine.apply(claiming(2, detect, published('count', '1.0.0')));
  expect(created().sort()).toEqual([
    'CreateDeployment',
    'CreateFunctionDefinitionVersion',
    'CreateGroupVersion',
    'CreateSubscriptionDefinitionVersion',
  ]);
  const { definitions } = await readGroup(v1.client);
  const { FunctionDefinitionVersionArn: f1, SubscriptionDefinitionVersionArn: s1, ...others } = before;
  const { FunctionDefinitionVersionArn: f2, SubscriptionDefinitionVersionArn: s2, ...carried } = definitions;
  expect(carried).toEqual(others);
  expect(idsOf(f2).definition).toBe(idsOf(f1).definition);
  expect(idsOf(s2).definition).toBe(idsOf(s1).definition);
});

/** A group that somebody made in the console. */
async function consoleGroup(): Promise<GroupVersion> {
  const { client } = v1;
  const arn = async (command: Promise<{ LatestVersionArn?: string }>) =>
    (await command).LatestVersionArn ?? '';
  const lambda = 'arn:aws:lambda:eu-central-1:000000000000:function:theirs:4';
  const definitions: GroupVersion = {
    ConnectorDefinitionVersionArn: await arn(
      client.send(
        new CreateConnectorDefinitionCommand({
          InitialVersion: {
            Connectors: [
              { Id: 'sns', ConnectorArn: 'arn:aws:greengrass:eu-central-1::/connectors/SNS/versions/1' },
            ],
          },
        }),
      ),
    ),
    FunctionDefinitionVersionArn: await arn(
      client.send(
        new CreateFunctionDefinitionCommand({
          InitialVersion: {
            DefaultConfig: { Execution: { IsolationMode: 'GreengrassContainer', RunAs: { Uid: 7 } } },
            Functions: [{ Id: 'theirs', FunctionArn: lambda, FunctionConfiguration: { Pinned: true } }],
          },
        }),
      ),
    ),
    ResourceDefinitionVersionArn: await arn(
      client.send(
        new CreateResourceDefinitionCommand({
          InitialVersion: {
            Resources: [
              {
                Id: 'camera',
                Name: 'camera',
                ResourceDataContainer: { LocalDeviceResourceData: { SourcePath: '/dev/video0' } },
              },
            ],
          },
        }),
      ),
    ),
    SubscriptionDefinitionVersionArn: await arn(
      client.send(
        new CreateSubscriptionDefinitionCommand({
          InitialVersion: {
            Subscriptions: [{ Id: 'theirs', Source: lambda, Subject: 'alarm', Target: 'cloud' }],
          },
        }),
      ),
    ),
  };
  await client.send(new CreateGroupCommand({ Name: GROUP, InitialVersion: definitions }));
  return definitions;
}

async function readResources(arn: string | undefined) {
  const { definition, version } = idsOf(arn);
  const command = new GetResourceDefinitionVersionCommand({
    ResourceDefinitionId: definition,
    ResourceDefinitionVersionId: version,
  });
  return (await v1.client.send(command)).Definition?.Resources ?? [];
}

test('what a user put into the group survives, the connectors and the default configuration too', async () => {
  const theirs = await consoleGroup();
  await test_.engine.apply(claiming(1, detect));
  const group = await readGroup(v1.client);
  expect(group.definitions.ConnectorDefinitionVersionArn).toBe(theirs.ConnectorDefinitionVersionArn);
  const resources = await readResources(group.definitions.ResourceDefinitionVersionArn);
  expect(resources.map(({ Name }) => Name)).toEqual(['camera', 'edge-on-demand-state']);
  const { definition, version } = idsOf(group.definitions.FunctionDefinitionVersionArn);
  const { Definition } = await v1.client.send(
    new GetFunctionDefinitionVersionCommand({
      FunctionDefinitionId: definition,
      FunctionDefinitionVersionId: version,
    }),
  );
  expect(Definition?.DefaultConfig?.Execution).toEqual({
    IsolationMode: 'GreengrassContainer',
    RunAs: { Uid: 7 },
  });
  expect(Definition?.Functions).toHaveLength(5);
  expect(Definition?.Functions).toContainEqual(
    expect.objectContaining({ Id: 'theirs', FunctionConfiguration: { Pinned: true } }),
  );
  const subscriptions = await readSubscriptions(v1.client, group);
  expect(subscriptions).toContainEqual(expect.objectContaining({ Id: 'theirs', Subject: 'alarm' }));
});

/** As the console does: a new version of the functions, and of the group with it. */
async function editFunctions(change: (functions: Awaited<ReturnType<typeof readFunctions>>) => void) {
  const group = await readGroup(v1.client);
  const functions = await readFunctions(v1.client, group);
  change(functions);
  const { LatestVersionArn } = await v1.client.send(
    new CreateFunctionDefinitionCommand({ InitialVersion: { Functions: functions } }),
  );
  await v1.client.send(
    new CreateGroupVersionCommand({
      GroupId: group.id,
      ...group.definitions,
      FunctionDefinitionVersionArn: LatestVersionArn!,
    }),
  );
}

test('a resource that a user attached to a function in the console stays attached, also to its next version', async () => {
  await consoleGroup();
  await test_.engine.apply(claiming(1, detect));
  success();
  await editFunctions((functions) => {
    const entry = functions.find(({ FunctionArn }) => FunctionArn === arnOf(detect));
    const environment = entry?.FunctionConfiguration?.Environment;
    if (environment) environment.ResourceAccessPolicies = [{ ResourceId: 'camera', Permission: 'ro' }];
  });
  const next = published('detect', '1.1.0', '4');
  await test_.engine.apply(claiming(2, next));
  const functions = await readFunctions(v1.client, await readGroup(v1.client));
  const entry = functions.find(({ FunctionArn }) => FunctionArn === arnOf(next));
  expect(entry?.FunctionConfiguration?.Environment?.ResourceAccessPolicies).toEqual([
    { ResourceId: 'camera', Permission: 'ro' },
  ]);
  expect(functions.some(({ FunctionArn }) => FunctionArn === arnOf(detect))).toBe(false);
});

test('without containers, memory limits and resources are left out, as V1 wants it', async () => {
  const { LatestVersionArn } = await v1.client.send(
    new CreateFunctionDefinitionCommand({
      InitialVersion: { DefaultConfig: { Execution: { IsolationMode: 'NoContainer' } } },
    }),
  );
  await v1.client.send(
    new CreateGroupCommand({
      Name: GROUP,
      InitialVersion: { FunctionDefinitionVersionArn: LatestVersionArn! },
    }),
  );
  await test_.engine.apply(claiming(1, detect));
  for (const { FunctionConfiguration } of await readFunctions(v1.client, await readGroup(v1.client))) {
    expect(FunctionConfiguration).not.toHaveProperty('MemorySize');
    expect(FunctionConfiguration?.Environment).not.toHaveProperty('ResourceAccessPolicies');
  }
});

test("loggers of the user are all that there is; without any, the group logs to the core's files", async () => {
  await test_.engine.apply(claiming(1, detect));
  const { definition, version } = idsOf((await readGroup(v1.client)).definitions.LoggerDefinitionVersionArn);
  const { Definition } = await v1.client.send(
    new GetLoggerDefinitionVersionCommand({
      LoggerDefinitionId: definition,
      LoggerDefinitionVersionId: version,
    }),
  );
  expect(Definition?.Loggers).toMatchObject([
    { Component: 'GreengrassSystem', Type: 'FileSystem', Level: 'INFO' },
    { Component: 'Lambda', Type: 'FileSystem', Level: 'INFO' },
  ]);
});

test('hundreds of functions, groups and subscriptions come in pages', async () => {
  for (let n = 0; n < 60; n++) await v1.client.send(new CreateGroupCommand({ Name: `other-${n}` }));
  const many = Array.from({ length: 190 }, (_, n) => published(`f${n}`, '1.0.0'));
  await test_.engine.apply(claiming(1, ...many));
  v1.step();
  const [delivery] = v1.deliveries;
  expect(delivery?.groupName).toBe(GROUP);
  expect(delivery?.definitions.FunctionDefinitionVersionArn?.Functions).toHaveLength(193);
  v1.report({ status: 'Success' });
  v1.requests.length = 0;
  await engineOn(v1.client).engine.apply(claiming(2, ...many));
  expect(created()).toEqual([]);
  expect(v1.requests.filter((operation) => operation === 'GetFunctionDefinitionVersion')).toHaveLength(4);
  expect(v1.requests.filter((operation) => operation === 'ListGroups')).toHaveLength(2);
});

test('a function without a version or an alias of a Lambda function fails, named', async () => {
  const edgeOnly = manifestOf('local', '2.0.0');
  const latest = published('latest', '1.0.0', '$LATEST');
  expect(await test_.engine.apply(claiming(1, detect, edgeOnly, latest))).toMatchObject({
    state: 'failed',
    failures: {
      'local@2.0.0': { error: { code: 'DEPLOYMENT_FAILED' } },
      'latest@1.0.0': { error: { code: 'DEPLOYMENT_FAILED' } },
    },
  });
  expect(v1.requests).toEqual([]);
});

test('a group without a core is recorded only', async () => {
  const definition = { ...emptyDefinition('plant'), revision: 1 };
  expect(await test_.engine.apply(definition)).toMatchObject({ state: 'announced' });
  expect(v1.requests).toEqual([]);
});

test('options that it lacks are refused with a code', async () => {
  for (const delivery of ['hot', 'components'] as const) {
    const asked = { ...claiming(1, detect), engine: { delivery, seq: 1 } };
    expect(await test_.engine.apply(asked)).toMatchObject({
      state: 'failed',
      error: { code: 'UNSUPPORTED', field: 'engine.delivery' },
    });
  }
  await expect(test_.engine.cancel('plant', 1)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  expect(v1.requests).toEqual([]);
});

test('throttled requests are tried again by the client', async () => {
  const patient = v1.clientOf(v1.cloud.iam.operator, { maxAttempts: 4 });
  v1.throttle.set('CreateGroup', 1);
  v1.throttle.set('CreateDeployment', 2);
  expect(await engineOn(patient).engine.apply(claiming(1, detect))).toMatchObject({ state: 'inProgress' });
});

test('a definition whose container somebody deleted is made anew', async () => {
  await test_.engine.apply(claiming(1, detect));
  success();
  await v1.restart();
  const group = await readGroup(v1.client);
  const { definition } = idsOf(group.definitions.SubscriptionDefinitionVersionArn);
  await v1.client.send(new DeleteSubscriptionDefinitionCommand({ SubscriptionDefinitionId: definition }));
  expect(await engineOn(v1.client).engine.apply(claiming(2, detect))).toMatchObject({ state: 'inProgress' });
  expect(await readSubscriptions(v1.client, await readGroup(v1.client))).not.toHaveLength(0);
});
