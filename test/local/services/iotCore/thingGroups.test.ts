import {
  AddThingToThingGroupCommand,
  CreateThingGroupCommand,
  DeleteThingGroupCommand,
  DescribeThingGroupCommand,
  IoTClient,
  ListThingGroupsForThingCommand,
  ListThingsInThingGroupCommand,
  RemoveThingFromThingGroupCommand,
} from '@aws-sdk/client-iot';
import { allow, arn, clientConfig, roleCredentials, startCloud, type TestCloud } from './harness';

let cloud: TestCloud;
beforeEach(async () => {
  cloud = await startCloud();
});
afterEach(() => cloud.close());

const FLEET = { thingGroupName: 'fleet' };
const members = async () => (await cloud.iot.send(new ListThingsInThingGroupCommand(FLEET))).things;

test('things are in groups, also after a restart', async () => {
  for (const thing of ['core-1', 'core-2']) cloud.iotCore.registry.things.create(thing);
  expect(await cloud.iot.send(new CreateThingGroupCommand(FLEET))).toMatchObject({
    thingGroupArn: arn('thinggroup/fleet'),
  });
  for (const thingName of ['core-1', 'core-2', 'core-1']) {
    await cloud.iot.send(new AddThingToThingGroupCommand({ ...FLEET, thingName }));
  }
  await cloud.restart();
  expect(await members()).toEqual(['core-1', 'core-2']);
  await cloud.iot.send(
    new RemoveThingFromThingGroupCommand({
      thingGroupArn: arn('thinggroup/fleet'),
      thingArn: arn('thing/core-1'),
    }),
  );
  expect(await members()).toEqual(['core-2']);
  const groupsOf = async (thingName: string) =>
    (await cloud.iot.send(new ListThingGroupsForThingCommand({ thingName }))).thingGroups;
  expect(await groupsOf('core-1')).toEqual([]);
  expect(await groupsOf('core-2')).toEqual([{ groupName: 'fleet', groupArn: arn('thinggroup/fleet') }]);
  await cloud.iot.send(new DeleteThingGroupCommand(FLEET));
  expect(await groupsOf('core-2')).toEqual([]);
});

test('what is not there, is not allowed or has no name is refused', async () => {
  const missing = expect.objectContaining({ name: 'ResourceNotFoundException' }) as unknown;
  await expect(cloud.iot.send(new DescribeThingGroupCommand(FLEET))).rejects.toEqual(missing);
  await cloud.iot.send(new CreateThingGroupCommand(FLEET));
  const add = (thingName?: string) =>
    cloud.iot.send(new AddThingToThingGroupCommand({ ...FLEET, ...(thingName && { thingName }) }));
  await expect(add('nobody')).rejects.toEqual(missing);
  await expect(add()).rejects.toEqual(expect.objectContaining({ name: 'InvalidRequestException' }));
  const credentials = roleCredentials(cloud, [allow('iot:DescribeThingGroup', arn('thinggroup/other'))]);
  const other = new IoTClient(clientConfig(cloud.iotCore.controlUrl, credentials));
  await expect(other.send(new DescribeThingGroupCommand(FLEET))).rejects.toEqual(
    expect.objectContaining({ name: 'AccessDeniedException' }),
  );
  other.destroy();
});
