import { AddThingToThingGroupCommand, CreateThingGroupCommand } from '@aws-sdk/client-iot';
import {
  CancelDeploymentCommand,
  CreateDeploymentCommand,
  DeleteCoreDeviceCommand,
  DeleteDeploymentCommand,
  GetCoreDeviceCommand,
  GetDeploymentCommand,
  ListCoreDevicesCommand,
  ListDeploymentsCommand,
  ListEffectiveDeploymentsCommand,
  ListInstalledComponentsCommand,
  type CreateDeploymentCommandInput,
} from '@aws-sdk/client-greengrassv2';
import { allow, arn, roleCredentials } from '../iotCore/harness';
import { failure, startRig, type GreengrassRig } from './rig';

const CORE = arn('thing/core-1');
const GROUP = arn('thinggroup/fleet');
const COMPONENTS = { 'com.example.a': { componentVersion: '1.0.0' } };

let rig: GreengrassRig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const deploy = async (input: Partial<CreateDeploymentCommandInput> = {}): Promise<string> => {
  const command = new CreateDeploymentCommand({ targetArn: CORE, components: COMPONENTS, ...input });
  return (await rig.client.send(command)).deploymentId ?? '';
};
const get = (deploymentId: string) => rig.client.send(new GetDeploymentCommand({ deploymentId }));
const next = async (wait = 0) =>
  (await rig.asCore('GET', `/greengrass/v2/local/coreDevices/core-1/next?wait=${wait}`)).body as {
    targets: string[];
    deployment?: { deploymentId: string; components: object; requiredCapabilities: string[] };
  };
const HEALTHY = {
  coreVersion: '2.15.0',
  platform: 'linux',
  architecture: 'amd64',
  status: 'HEALTHY',
  installed: [],
};
const report = (deploymentId: string, status: string, more: object = {}) =>
  rig.asCore('POST', '/greengrass/v2/local/coreDevices/core-1/status', {
    core: HEALTHY,
    deployment: { deploymentId, status, ...more },
  });
const effective = async () =>
  (await rig.client.send(new ListEffectiveDeploymentsCommand({ coreDeviceThingName: 'core-1' })))
    .effectiveDeployments ?? [];

test('a deployment reaches the core, which reports its end to the event bus', async () => {
  const deploymentId = await deploy({ deploymentName: 'first' });
  expect(await get(deploymentId)).toMatchObject({
    targetArn: CORE,
    revisionId: '1',
    deploymentStatus: 'ACTIVE',
    isLatestForTarget: true,
    components: COMPONENTS,
    deploymentPolicies: {
      failureHandlingPolicy: 'ROLLBACK',
      componentUpdatePolicy: { timeoutInSeconds: 60, action: 'NOTIFY_COMPONENTS' },
    },
  });
  expect(await next()).toMatchObject({
    targets: [CORE],
    deployment: { deploymentId, components: COMPONENTS },
  });
  await report(deploymentId, 'IN_PROGRESS');
  await report(deploymentId, 'COMPLETED');
  expect(await next()).toEqual({ targets: [CORE] });
  expect((await get(deploymentId)).deploymentStatus).toBe('COMPLETED');
  expect(await effective()).toMatchObject([
    { deploymentId, deploymentName: 'first', coreDeviceExecutionStatus: 'COMPLETED' },
  ]);
  expect(rig.events).toMatchObject([
    {
      source: 'aws.greengrass',
      detailType: 'Greengrass V2 Effective Deployment Status Change',
      resources: [expect.stringMatching(/:coreDevices:core-1$/)],
      detail: { deploymentId, coreDeviceExecutionStatus: 'COMPLETED' },
    },
  ]);
});

test('a core that waits hears of a deployment at once', async () => {
  const waiting = next(30_000);
  const deploymentId = await deploy();
  expect((await waiting).deployment?.deploymentId).toBe(deploymentId);
});

test('a failure keeps its reason', async () => {
  const deploymentId = await deploy();
  const statusDetails = {
    errorStack: ['DEPLOYMENT_FAILURE', 'COMPONENT_BROKEN'],
    errorTypes: ['COMPONENT_ERROR'],
  };
  await report(deploymentId, 'FAILED', { reason: 'FAILED_ROLLBACK_COMPLETE: it broke', statusDetails });
  expect((await get(deploymentId)).deploymentStatus).toBe('FAILED');
  expect(await effective()).toMatchObject([{ reason: 'FAILED_ROLLBACK_COMPLETE: it broke', statusDetails }]);
  expect(rig.events[0]?.detail).toEqual({
    deploymentId,
    coreDeviceExecutionStatus: 'FAILED',
    reason: 'FAILED_ROLLBACK_COMPLETE: it broke',
    statusDetails,
  });
});

test('the last writer wins: a newer revision replaces what no core has begun', async () => {
  const first = await deploy();
  const second = await deploy({ components: {} });
  expect(await get(first)).toMatchObject({ deploymentStatus: 'CANCELED', isLatestForTarget: false });
  expect(await get(second)).toMatchObject({ revisionId: '2', components: {} });
  expect((await next()).deployment?.deploymentId).toBe(second);
  expect(rig.events.map(({ detail }) => detail['coreDeviceExecutionStatus'])).toEqual(['CANCELED']);

  const listed = await rig.client.send(new ListDeploymentsCommand({ targetArn: CORE }));
  expect(listed.deployments?.map((one) => one.deploymentId)).toEqual([second]);
  const all = await rig.client.send(
    new ListDeploymentsCommand({ targetArn: CORE, historyFilter: 'ALL', maxResults: 1 }),
  );
  expect(all.deployments?.map((one) => one.deploymentId)).toEqual([second]);
  const { nextToken } = all;
  const rest = await rig.client.send(
    new ListDeploymentsCommand({ targetArn: CORE, historyFilter: 'ALL', maxResults: 1, nextToken }),
  );
  expect(rest.deployments?.map((one) => one.deploymentId)).toEqual([first]);
});

test('the same client token makes one deployment, also over a restart', async () => {
  const first = await deploy({ clientToken: 'workshop-7' });
  expect(await deploy({ clientToken: 'workshop-7' })).toBe(first);
  await rig.restart();
  expect(await deploy({ clientToken: 'workshop-7' })).toBe(first);
  expect(await deploy({ clientToken: 'workshop-8' })).not.toBe(first);
});

test('a canceled deployment does not reach the core, and is canceled once', async () => {
  const deploymentId = await deploy();
  await expect(rig.client.send(new DeleteDeploymentCommand({ deploymentId }))).rejects.toEqual(
    failure('ConflictException'),
  );
  await rig.client.send(new CancelDeploymentCommand({ deploymentId }));
  expect((await next()).deployment).toBeUndefined();
  await expect(rig.client.send(new CancelDeploymentCommand({ deploymentId }))).rejects.toEqual(
    failure('ConflictException', { resourceId: deploymentId, resourceType: 'deployment' }),
  );
  await rig.client.send(new DeleteDeploymentCommand({ deploymentId }));
  await expect(get(deploymentId)).rejects.toEqual(failure('ResourceNotFoundException'));
});

test('a deployment to a thing group reaches its things, also those that join later', async () => {
  await rig.test.iot.send(new CreateThingGroupCommand({ thingGroupName: 'fleet' }));
  const deploymentId = await deploy({ targetArn: GROUP });
  expect((await get(deploymentId)).iotJobId).toBeDefined();
  expect(await next()).toEqual({ targets: [CORE] });
  await rig.test.iot.send(new AddThingToThingGroupCommand({ thingGroupName: 'fleet', thingName: 'core-1' }));
  expect(await next()).toMatchObject({ targets: [CORE, GROUP], deployment: { deploymentId } });
  await report(deploymentId, 'SUCCEEDED');
  expect((await get(deploymentId)).deploymentStatus).toBe('ACTIVE');
  await deploy({ targetArn: GROUP });
  expect((await get(deploymentId)).deploymentStatus).toBe('INACTIVE');
});

test('a large configuration is fetched by the core, if its policy lets it', async () => {
  const configurationUpdate = { merge: JSON.stringify({ text: 'x'.repeat(8_000) }) };
  const components = { 'com.example.a': { componentVersion: '1.0.0', configurationUpdate } };
  const deploymentId = await deploy({ components });
  expect((await next()).deployment).toMatchObject({
    requiredCapabilities: ['LARGE_CONFIGURATION'],
    components: COMPONENTS,
  });
  const path = `/greengrass/v2/coreDevices/core-1/deployments/${deploymentId}`;
  expect((await rig.asCore('GET', path)).body).toMatchObject({ components });
  rig.test.iotCore.registry.policies.put('core-1-policy', {
    Version: '2012-10-17',
    Statement: [allow('iot:*', '*')],
  });
  expect(await rig.asCore('GET', path)).toMatchObject({ status: 403 });
});

test.each<[string, Partial<CreateDeploymentCommandInput>, string]>([
  [
    'a target of another account',
    { targetArn: CORE.replace(/\d{12}/, '111111111111') },
    'ValidationException',
  ],
  ['a target that is none', { targetArn: 'core-1' }, 'ValidationException'],
  ['a thing that is not there', { targetArn: arn('thing/nobody') }, 'ResourceNotFoundException'],
  ['a group that is not there', { targetArn: GROUP }, 'ResourceNotFoundException'],
  ['a name that is none', { components: { 'a/b': { componentVersion: '1.0.0' } } }, 'ValidationException'],
  ['no version', { components: { a: { componentVersion: '' } } }, 'ValidationException'],
  [
    'a merge that is no object',
    { components: { a: { componentVersion: '1.0.0', configurationUpdate: { merge: '[]' } } } },
    'ValidationException',
  ],
  [
    'a reset that is no pointer',
    { components: { a: { componentVersion: '1.0.0', configurationUpdate: { reset: ['x'] } } } },
    'ValidationException',
  ],
  ['a token too long', { clientToken: 'x'.repeat(65) }, 'ValidationException'],
  ['a parent target', { parentTargetArn: GROUP }, 'ValidationException'],
])('a deployment with %s is refused', async (_what, input, name) => {
  await expect(deploy(input)).rejects.toEqual(failure(name));
});

test('IAM must also allow what Greengrass does to the thing', async () => {
  const create = new CreateDeploymentCommand({ targetArn: CORE, components: COMPONENTS });
  const actions = ['iot:DescribeThing', 'iot:GetThingShadow'];
  const own = [allow('greengrass:CreateDeployment', '*'), allow(actions, CORE)];
  await expect(rig.clientOf(roleCredentials(rig.test, own)).send(create)).rejects.toEqual(
    failure('AccessDeniedException', { message: expect.stringContaining('iot:UpdateThingShadow') as string }),
  );
  const whole = rig.clientOf(roleCredentials(rig.test, [...own, allow('iot:UpdateThingShadow', CORE)]));
  await expect(whole.send(create)).resolves.toMatchObject({ deploymentId: expect.any(String) as string });
});

test('a core device is what its nucleus reported', async () => {
  const coreDeviceThingName = 'core-1';
  const describeCore = new GetCoreDeviceCommand({ coreDeviceThingName });
  await expect(rig.client.send(describeCore)).rejects.toEqual(failure('ResourceNotFoundException'));
  const installed = [
    {
      componentName: 'com.example.a',
      componentVersion: '1.0.0',
      lifecycleState: 'RUNNING',
      isRoot: true,
      changedAt: 5_000,
    },
    {
      componentName: 'com.example.b',
      componentVersion: '2.0.0',
      lifecycleState: 'FINISHED',
      isRoot: false,
      changedAt: 6_000,
    },
  ];
  await rig.asCore('POST', '/greengrass/v2/local/coreDevices/core-1/status', {
    core: { ...HEALTHY, installed },
  });
  expect(await rig.client.send(describeCore)).toMatchObject({
    coreDeviceThingName,
    status: 'HEALTHY',
    coreVersion: '2.15.0',
  });
  const { coreDevices } = await rig.client.send(new ListCoreDevicesCommand({ status: 'HEALTHY' }));
  expect(coreDevices?.map((one) => one.coreDeviceThingName)).toEqual(['core-1']);
  const list = async (topologyFilter?: 'ALL') =>
    (
      await rig.client.send(
        new ListInstalledComponentsCommand({
          coreDeviceThingName,
          ...(topologyFilter && { topologyFilter }),
        }),
      )
    ).installedComponents;
  expect(await list()).toMatchObject([
    { componentName: 'com.example.a', lastStatusChangeTimestamp: new Date(5_000) },
  ]);
  expect((await list('ALL'))?.map((one) => one.lifecycleState)).toEqual(['RUNNING', 'FINISHED']);
  await rig.client.send(new DeleteCoreDeviceCommand({ coreDeviceThingName }));
  await expect(rig.client.send(describeCore)).rejects.toEqual(failure('ResourceNotFoundException'));
});

test('another device has no part in the channel of a core', async () => {
  const path = '/greengrass/v2/local/coreDevices/core-2/next';
  expect(await rig.asCore('GET', path)).toMatchObject({
    status: 403,
    body: { __type: 'AccessDeniedException' },
  });
});
