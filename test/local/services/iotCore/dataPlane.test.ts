import {
  GetRetainedMessageCommand,
  IoTDataPlaneClient,
  ListRetainedMessagesCommand,
  PublishCommand,
} from '@aws-sdk/client-iot-data-plane';
import {
  addDevice,
  allow,
  arn,
  clientConfig,
  closeClients,
  connect,
  nextMessage,
  roleCredentials,
  startCloud,
  type TestCloud,
} from './harness';

let test_: TestCloud;
beforeEach(async () => {
  test_ = await startCloud();
});
afterEach(async () => {
  await closeClients();
  await test_.close();
});

const payload = Buffer.from('{"revision":7}');
const failure = (name: string) => expect.objectContaining({ name });

test('a publish reaches subscribers, whatever is in the topic', async () => {
  const device = await addDevice(test_, 'sensor-1');
  const client = await connect(test_, device);
  await client.subscribeAsync('sensor-1/#', { qos: 1 });
  for (const topic of ['sensor-1/a', 'sensor-1/ü &?=%2F', 'sensor-1//x']) {
    const arrived = nextMessage(client);
    await test_.data.send(new PublishCommand({ topic, payload, qos: 1 }));
    expect(await arrived).toEqual({ topic, payload: payload.toString(), retain: false });
  }
});

test('retained messages are read back and listed, and survive a restart', async () => {
  const topic = 'edge/shop-dev/core/core-1/revision';
  await test_.data.send(new PublishCommand({ topic, payload, qos: 1, retain: true }));
  await test_.restart();
  const message = await test_.data.send(new GetRetainedMessageCommand({ topic }));
  expect(Buffer.from(message.payload ?? []).toString()).toBe(payload.toString());
  expect(message).toMatchObject({ topic, qos: 1 });
  expect(message.lastModifiedTime).toBeGreaterThan(Date.now() - 60_000);
  expect(await test_.data.send(new ListRetainedMessagesCommand({}))).toMatchObject({
    retainedTopics: [{ topic, payloadSize: payload.length, qos: 1 }],
  });
  await test_.data.send(new PublishCommand({ topic, retain: true }));
  await expect(test_.data.send(new GetRetainedMessageCommand({ topic }))).rejects.toEqual(
    failure('ResourceNotFoundException'),
  );
});

test('publishing needs iot:Publish, retaining also iot:RetainPublish', async () => {
  const send = async (actions: string[], retain: boolean): Promise<unknown> => {
    const credentials = roleCredentials(test_, [allow(actions, arn('topic/a/*'))]);
    const client = new IoTDataPlaneClient(clientConfig(test_.iotCore.dataUrl, credentials));
    return client.send(new PublishCommand({ topic: 'a/b', payload, retain })).finally(() => client.destroy());
  };
  await send(['iot:Publish'], false);
  await send(['iot:Publish', 'iot:RetainPublish'], true);
  await expect(send(['iot:Publish'], true)).rejects.toEqual(failure('AccessDeniedException'));
  await expect(send(['iot:RetainPublish'], true)).rejects.toEqual(failure('AccessDeniedException'));
});

test('limits', async () => {
  const publish = (topic: string, bytes = 1) =>
    test_.data.send(new PublishCommand({ topic, payload: Buffer.alloc(bytes) }));
  await publish('a', 128 * 1024);
  await expect(publish('a', 128 * 1024 + 1)).rejects.toEqual(failure('RequestEntityTooLargeException'));
  await expect(publish('a/+')).rejects.toEqual(failure('InvalidRequestException'));
  await expect(publish('1/2/3/4/5/6/7/8/9')).rejects.toEqual(failure('InvalidRequestException'));
});
