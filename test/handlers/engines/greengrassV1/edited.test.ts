import {
  CreateDeviceDefinitionCommand,
  CreateGroupVersionCommand,
  CreateResourceDefinitionCommand,
  CreateSubscriptionDefinitionCommand,
  GetDeviceDefinitionVersionCommand,
  GetResourceDefinitionVersionCommand,
  type Device,
  type GroupVersion,
  type Resource,
} from '@aws-sdk/client-greengrass';
import { startV1, type TestV1 } from '../../../local/services/greengrassV1/harness';
import { certificateOf } from '../../fixtures';
import {
  claiming,
  engineOn,
  idsOf,
  published,
  readFunctions,
  readGroup,
  readSubscriptions,
  type TestEngine,
} from './support';

/** An editor of the group that gives every entry an id of its own, as nobody promises that none does. */
let v1: TestV1;
let test_: TestEngine;
beforeEach(async () => {
  v1 = await startV1();
  test_ = engineOn(v1.client);
  await test_.engine.apply(claiming(1, detect));
  succeed();
});
afterEach(() => v1.close());

const detect = published('detect', '1.0.0');
const THING = 'arn:aws:iot:eu-central-1:000000000000:thing/';
const succeed = () => {
  v1.step();
  v1.report({ status: 'Success' });
};
const renamed = <T extends object>(entries: readonly T[]): (T & { Id: string })[] =>
  entries.map((entry, n) => ({ ...entry, Id: `other-${n}` }));

async function edit(definitions: GroupVersion): Promise<void> {
  const group = await readGroup(v1.client);
  const version = { ...group.definitions, ...definitions };
  await v1.client.send(new CreateGroupVersionCommand({ GroupId: group.id, ...version }));
}

async function editDevices(Devices: Device[]): Promise<void> {
  const command = new CreateDeviceDefinitionCommand({ InitialVersion: { Devices } });
  await edit({ DeviceDefinitionVersionArn: (await v1.client.send(command)).LatestVersionArn! });
}

async function devices(): Promise<Device[]> {
  const { definition, version } = idsOf((await readGroup(v1.client)).definitions.DeviceDefinitionVersionArn);
  const ids = { DeviceDefinitionId: definition, DeviceDefinitionVersionId: version };
  return (await v1.client.send(new GetDeviceDefinitionVersionCommand(ids))).Definition?.Devices ?? [];
}

async function resources(): Promise<Resource[]> {
  const { definition, version } = idsOf(
    (await readGroup(v1.client)).definitions.ResourceDefinitionVersionArn,
  );
  const ids = { ResourceDefinitionId: definition, ResourceDefinitionVersionId: version };
  return (await v1.client.send(new GetResourceDefinitionVersionCommand(ids))).Definition?.Resources ?? [];
}

test('subscriptions under other ids are not doubled', async () => {
  const before = await readSubscriptions(v1.client, await readGroup(v1.client));
  const command = new CreateSubscriptionDefinitionCommand({
    InitialVersion: { Subscriptions: renamed(before) },
  });
  await edit({ SubscriptionDefinitionVersionArn: (await v1.client.send(command)).LatestVersionArn! });
  await test_.engine.apply(claiming(2, detect));
  expect(await readSubscriptions(v1.client, await readGroup(v1.client))).toEqual(before);
});

test('a device under another id is revoked all the same; one that the group does not know stays', async () => {
  const mine = { ThingArn: `${THING}mine`, CertificateArn: `${THING.slice(0, -6)}cert/${'d'.repeat(64)}` };
  await editDevices(renamed([...(await devices()), mine]));
  const definition = claiming(2, detect);
  const certificateId = certificateOf('camera-1');
  const revoked = { certificateId, source: 'operator' as const, seq: 2, revoked: true as const };
  await test_.engine.apply({ ...definition, devices: { ...definition.devices, 'camera-1': revoked } });
  expect((await devices()).map(({ ThingArn }) => ThingArn)).toEqual([mine.ThingArn]);
});

test("a device's certificate is the definition's, and the sync of its shadow the user's", async () => {
  await editDevices(
    renamed(
      (await devices()).map((device) => ({
        ...device,
        SyncShadow: true,
        CertificateArn: `${THING.slice(0, -6)}cert/${'d'.repeat(64)}`,
      })),
    ),
  );
  await test_.engine.apply(claiming(2, detect));
  expect(await devices()).toMatchObject([
    { SyncShadow: true, CertificateArn: expect.stringContaining(certificateOf('camera-1')) as string },
  ]);
});

test('the state folder under another id is still the one that the system functions use', async () => {
  const command = new CreateResourceDefinitionCommand({
    InitialVersion: { Resources: renamed(await resources()) },
  });
  await edit({ ResourceDefinitionVersionArn: (await v1.client.send(command)).LatestVersionArn! });
  await test_.engine.apply(claiming(2, detect));
  const [state, ...others] = await resources();
  expect(others).toEqual([]);
  const used = (await readFunctions(v1.client, await readGroup(v1.client))).flatMap(
    ({ FunctionConfiguration }) => FunctionConfiguration?.Environment?.ResourceAccessPolicies ?? [],
  );
  expect(new Set(used.map(({ ResourceId }) => ResourceId))).toEqual(new Set([state?.Id]));
  succeed();
  expect(await test_.engine.status('plant', 2)).toMatchObject({ state: 'succeeded' });
});
