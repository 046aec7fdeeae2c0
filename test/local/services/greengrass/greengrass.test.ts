import {
  BatchAssociateClientDeviceWithCoreDeviceCommand,
  BatchDisassociateClientDeviceFromCoreDeviceCommand,
  GetComponentVersionArtifactCommand,
  GetConnectivityInfoCommand,
  GreengrassV2Client,
  ListClientDevicesAssociatedWithCoreDeviceCommand,
  UpdateConnectivityInfoCommand,
} from '@aws-sdk/client-greengrassv2';
import type { Credentials } from '../../../../local/base/context';
import type { Service } from '../../../../local/base/context';
import { createGreengrass } from '../../../../local/services/greengrass';
import {
  ACCOUNT,
  addDevice,
  allow,
  arn,
  clientConfig,
  REGION,
  roleOf,
  startCloud,
  type Device,
  type TestCloud,
} from '../iotCore/harness';
import { get } from '../iotCore/httpsClient';

const DISCOVER = allow('greengrass:Discover', arn('thing/${iot:Connection.Thing.ThingName}'));
const LISTENS = { id: 'lan', hostAddress: '192.168.1.7', portNumber: 8883, metadata: 'floor 1' };
const ON_THE_WIRE = { Id: 'lan', HostAddress: '192.168.1.7', PortNumber: 8883, Metadata: 'floor 1' };

let test_: TestCloud;
let greengrass: Service;
let client: GreengrassV2Client;
let sensor: Device;
beforeEach(async () => {
  test_ = await startCloud();
  await start();
  await addDevice(test_, 'core-1');
  sensor = await addDevice(test_, 'sensor-1', [DISCOVER]);
});
afterEach(async () => {
  await stop();
  await test_.close();
});

async function start(): Promise<void> {
  greengrass = await createGreengrass(test_.cloud, test_.iotCore, {
    readObject: () => Promise.reject(new Error('no objects here')),
    putEvent: () => undefined,
  });
  client = new GreengrassV2Client(clientConfig(greengrass.url, test_.cloud.iam.operator));
}

async function stop(): Promise<void> {
  client.destroy();
  await greengrass.close();
}

const failure = (name: string) => expect.objectContaining({ name });
const associate = (...names: string[]) =>
  client.send(
    new BatchAssociateClientDeviceWithCoreDeviceCommand({
      coreDeviceThingName: 'core-1',
      entries: names.map((thingName) => ({ thingName })),
    }),
  );
const announce = () =>
  client.send(new UpdateConnectivityInfoCommand({ thingName: 'core-1', connectivityInfo: [LISTENS] }));
const discover = (device = sensor, thingName = device.thingName) =>
  get(test_, device, `/greengrass/discover/thing/${thingName}`);

test('a device discovers the core that it is associated with', async () => {
  await announce();
  await associate('sensor-1');
  expect(await discover()).toEqual({
    status: 200,
    body: {
      GGGroups: [
        {
          GGGroupId: 'greengrassV2-coreDevice-core-1',
          Cores: [{ thingArn: arn('thing/core-1'), Connectivity: [ON_THE_WIRE] }],
          CAs: [test_.authority.certificatePem],
        },
      ],
    },
  });
});

test('a device without a core gets 404 with a body', async () => {
  expect(await discover()).toMatchObject({ status: 404, body: { message: expect.any(String) as string } });
});

test("discovery is for the certificate's own thing, and needs greengrass:Discover", async () => {
  await associate('sensor-1');
  const other = await addDevice(test_, 'sensor-2', [allow('greengrass:Discover', '*')]);
  expect((await discover(other, 'sensor-1')).status).toBe(403);
  const without = await addDevice(test_, 'sensor-3');
  await associate('sensor-3');
  expect((await discover(without)).status).toBe(403);
});

test('connectivity is read back with a rising version', async () => {
  expect((await announce()).version).toBe('1');
  expect((await announce()).version).toBe('2');
  expect(await client.send(new GetConnectivityInfoCommand({ thingName: 'core-1' }))).toMatchObject({
    connectivityInfo: [LISTENS],
  });
  await expect(client.send(new GetConnectivityInfoCommand({ thingName: 'none' }))).rejects.toEqual(
    failure('ResourceNotFoundException'),
  );
});

test('associations are listed and undone; unknown things are reported one by one', async () => {
  expect((await associate('sensor-1', 'none')).errorEntries).toEqual([
    { thingName: 'none', code: 'ResourceNotFoundException', message: expect.any(String) as string },
  ]);
  const list = new ListClientDevicesAssociatedWithCoreDeviceCommand({ coreDeviceThingName: 'core-1' });
  const { associatedClientDevices } = await client.send(list);
  expect(associatedClientDevices).toEqual([
    { thingName: 'sensor-1', associationTimestamp: expect.any(Date) as Date },
  ]);
  const entries = [{ thingName: 'sensor-1' }, { thingName: 'core-1' }];
  const undone = await client.send(
    new BatchDisassociateClientDeviceFromCoreDeviceCommand({ coreDeviceThingName: 'core-1', entries }),
  );
  expect(undone.errorEntries).toMatchObject([{ thingName: 'core-1' }]);
  expect((await client.send(list)).associatedClientDevices).toEqual([]);
  expect((await discover()).status).toBe(404);
});

test('a restart forgets nothing', async () => {
  await announce();
  await associate('sensor-1');
  await stop();
  await test_.restart();
  await start();
  expect(await discover()).toMatchObject({
    status: 200,
    body: { GGGroups: [{ Cores: [{ Connectivity: [ON_THE_WIRE] }] }] },
  });
});

test('a core announces itself with the credentials of its certificate, and only itself', async () => {
  const { iam } = test_.cloud;
  const own = '/greengrass/things/${credentials-iot:ThingName}/connectivityInfo';
  const statements = [
    allow('greengrass:UpdateConnectivityInfo', `arn:aws:greengrass:${REGION}:${ACCOUNT}:${own}`),
  ];
  const { arn: roleArn } = iam.putRole(roleOf('core', 'credentials.iot.amazonaws.com', statements));
  test_.iotCore.registry.roleAliases.put('core', { roleArn });
  const core = await addDevice(test_, 'core-2', [
    allow('iot:AssumeRoleWithCertificate', arn('rolealias/core')),
  ]);
  const announceAs = async (headers: Record<string, string>, thingName: string): Promise<unknown> => {
    const { body } = await get(test_, core, '/role-aliases/core/credentials', headers);
    const { credentials } = body as { credentials: Credentials };
    const as = new GreengrassV2Client(clientConfig(greengrass.url, credentials));
    const command = new UpdateConnectivityInfoCommand({ thingName, connectivityInfo: [LISTENS] });
    return as.send(command).finally(() => as.destroy());
  };
  const named = { 'x-amzn-iot-thingname': 'core-2' };
  expect(await announceAs(named, 'core-2')).toMatchObject({
    version: '1',
    message: 'Connectivity Info Updated',
  });
  await expect(announceAs(named, 'core-1')).rejects.toEqual(failure('AccessDeniedException'));
  await expect(announceAs({}, 'core-2')).rejects.toEqual(failure('AccessDeniedException'));
});

test('what is not supported has the shape of AWS and a line in the log', async () => {
  const arn = 'arn:aws:greengrass:eu-west-1:aws:components:a:versions:1.0.0';
  const artifact = new GetComponentVersionArtifactCommand({ arn, artifactName: 'a.zip' });
  await expect(client.send(artifact)).rejects.toEqual(failure('UnknownOperationException'));
  const path = expect.stringContaining('/artifacts/a.zip') as string;
  expect(test_.log).toContainEqual(expect.objectContaining({ path, level: 40 }));
});
