import {
  GetCoreDefinitionVersionCommand,
  GetDeploymentStatusCommand,
  GetDeviceDefinitionVersionCommand,
  GetResourceDefinitionVersionCommand,
  GreengrassClient,
  ListDeploymentsCommand,
  ListFunctionDefinitionVersionsCommand,
  ListGroupVersionsCommand,
} from '@aws-sdk/client-greengrass';
import {
  arnOf,
  claiming,
  engineOn,
  idsOf,
  published,
  readFunctions,
  readGroup,
  readSubscriptions,
  SETTINGS,
  SYSTEM,
  type TestEngine,
} from '../handlers/engines/greengrassV1/support';
import { certificateOf, CORE, CORE_CERTIFICATE } from '../handlers/fixtures';
import { startMoto, type MotoServer } from './motoServer';

/** The engine `greengrass` against Greengrass V1's API as moto has it: without loggers and connectors. */
describe('Greengrass V1 on moto', () => {
  let moto: MotoServer;
  let client: GreengrassClient;
  let test_: TestEngine;

  beforeAll(async () => {
    moto = await startMoto();
    client = new GreengrassClient({
      endpoint: moto.url,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'moto', secretAccessKey: 'moto' },
    });
    const { logging: _moto, ...settings } = SETTINGS;
    test_ = engineOn(client, settings);
  });

  afterAll(async () => {
    client.destroy();
    await moto.close();
  });

  const detect = published('detect', '1.0.0', '3');
  const count = published('count', '1.0.0');
  const arnsOf = async () =>
    (await readFunctions(client, await readGroup(client))).map(({ FunctionArn }) => FunctionArn).sort();
  const deploymentsOf = async (GroupId: string) =>
    (await client.send(new ListDeploymentsCommand({ GroupId }))).Deployments ?? [];

  test('creates the group, its definitions and a deployment, and moto has them', async () => {
    const deployment = await test_.engine.apply(claiming(1, detect));
    expect(deployment).toMatchObject({ state: 'inProgress' });
    const group = await readGroup(client);
    expect(Object.keys(group.definitions).sort()).toEqual([
      'CoreDefinitionVersionArn',
      'DeviceDefinitionVersionArn',
      'FunctionDefinitionVersionArn',
      'ResourceDefinitionVersionArn',
      'SubscriptionDefinitionVersionArn',
    ]);
    expect(await arnsOf()).toEqual([arnOf(detect), ...Object.values(SYSTEM)].sort());
    const subjects = (await readSubscriptions(client, group)).map(({ Subject }) => Subject);
    expect(subjects).toContain('edge/camera-1/call/detect');
    const GroupId = group.id;
    expect((await deploymentsOf(GroupId)).map(({ DeploymentId }) => DeploymentId)).toEqual([
      deployment.engineId,
    ]);
    const status = new GetDeploymentStatusCommand({ GroupId, DeploymentId: deployment.engineId });
    expect(await client.send(status)).toMatchObject({ DeploymentType: 'NewDeployment' });
    expect(await test_.engine.status('plant', 1)).toMatchObject({ state: 'inProgress' });
  });

  test('core, devices and the state folder are in moto as they were sent', async () => {
    const { definitions } = await readGroup(client);
    const arn = (kind: 'thing' | 'cert', id: string) => `arn:aws:iot:eu-central-1:000000000000:${kind}/${id}`;
    const core = idsOf(definitions.CoreDefinitionVersionArn);
    const cores = await client.send(
      new GetCoreDefinitionVersionCommand({
        CoreDefinitionId: core.definition,
        CoreDefinitionVersionId: core.version,
      }),
    );
    expect(cores.Definition?.Cores).toMatchObject([
      { ThingArn: arn('thing', CORE), CertificateArn: arn('cert', CORE_CERTIFICATE) },
    ]);
    const device = idsOf(definitions.DeviceDefinitionVersionArn);
    const devices = await client.send(
      new GetDeviceDefinitionVersionCommand({
        DeviceDefinitionId: device.definition,
        DeviceDefinitionVersionId: device.version,
      }),
    );
    // camera-2 is revoked.
    expect(devices.Definition?.Devices).toMatchObject([
      { ThingArn: arn('thing', 'camera-1'), CertificateArn: arn('cert', certificateOf('camera-1')) },
    ]);
    const resource = idsOf(definitions.ResourceDefinitionVersionArn);
    const resources = await client.send(
      new GetResourceDefinitionVersionCommand({
        ResourceDefinitionId: resource.definition,
        ResourceDefinitionVersionId: resource.version,
      }),
    );
    const volume = { SourcePath: '/var/lib/edge-on-demand' };
    expect(resources.Definition?.Resources).toMatchObject([
      { ResourceDataContainer: { LocalVolumeResourceData: volume } },
    ]);
  });

  test('the same revision again makes nothing anew', async () => {
    const before = await readGroup(client);
    await test_.engine.apply(claiming(1, detect));
    expect(await readGroup(client)).toEqual(before);
    expect(await deploymentsOf(before.id)).toHaveLength(1);
  });

  test('a new function is one more version of the same definitions, in one more deployment', async () => {
    const before = await readGroup(client);
    const groupVersions = new ListGroupVersionsCommand({ GroupId: before.id });
    const { Versions: earlier = [] } = await client.send(groupVersions);
    await test_.engine.apply(claiming(2, detect, count));
    const after = await readGroup(client);
    expect(await arnsOf()).toEqual([arnOf(detect), arnOf(count), ...Object.values(SYSTEM)].sort());
    const { definition } = idsOf(after.definitions.FunctionDefinitionVersionArn);
    expect(definition).toBe(idsOf(before.definitions.FunctionDefinitionVersionArn).definition);
    const versions = new ListFunctionDefinitionVersionsCommand({ FunctionDefinitionId: definition });
    expect((await client.send(versions)).Versions).toHaveLength(2);
    expect((await client.send(groupVersions)).Versions).toHaveLength(earlier.length + 1);
    expect(after.definitions.CoreDefinitionVersionArn).toBe(before.definitions.CoreDefinitionVersionArn);
    expect(await deploymentsOf(after.id)).toHaveLength(2);
  });
});
