import type { TLSSocket } from 'node:tls';
import type { MqttClient } from 'mqtt';
import {
  addDevice,
  allow,
  arn,
  closeClients,
  closed,
  connect,
  nextMessage,
  outcome,
  OWN_TOPICS,
  startCloud,
  type Device,
  type TestCloud,
} from './harness';

let test_: TestCloud;
let device: Device;
beforeEach(async () => {
  test_ = await startCloud();
  device = await addDevice(test_, 'sensor-1');
});
afterEach(async () => {
  await closeClients();
  await test_.close();
});

const deny = (action: string, resource: string) => ({
  Effect: 'Deny' as const,
  Action: action,
  Resource: resource,
});

describe('connecting', () => {
  test('a registered active certificate under the name of its thing', async () => {
    const client = await connect(test_, device);
    expect(client.connected).toBe(true);
  });

  test('a certificate that nobody registered is refused, whoever signed it', async () => {
    const stranger = { ...(await test_.authority.issueClient({ commonName: 'x' })), thingName: 'sensor-1' };
    await expect(connect(test_, stranger)).rejects.toThrow();
    expect(test_.log.some(({ msg }) => msg.includes('not an active, valid certificate'))).toBe(true);
  });

  test('no certificate is refused', async () => {
    await expect(connect(test_, device, { cert: undefined, key: undefined } as object)).rejects.toThrow();
  });

  test.each(['INACTIVE', 'REVOKED'])('a certificate that is %s is refused', async (status) => {
    test_.iotCore.registry.certificates.update(device.certificateId, status);
    await expect(connect(test_, device)).rejects.toThrow();
  });

  test('an expired certificate and one that is not valid yet are refused', async () => {
    const day = 86_400_000;
    const at = (days: number): Date => new Date(Date.now() + days * day);
    const expired = await addDevice(test_, 'expired', OWN_TOPICS, { notBefore: at(-2), notAfter: at(-1) });
    const early = await addDevice(test_, 'early', OWN_TOPICS, { notBefore: at(1), notAfter: at(2) });
    await expect(connect(test_, expired)).rejects.toThrow();
    await expect(connect(test_, early)).rejects.toThrow();
  });

  test("another thing's name is refused", async () => {
    await addDevice(test_, 'sensor-2');
    await expect(connect(test_, device, { clientId: 'sensor-2' })).rejects.toThrow(/Not authorized/);
  });

  test('a certificate that is detached from its thing has no thing name any more', async () => {
    test_.iotCore.registry.things.detach('sensor-1', device.certificateId);
    await expect(connect(test_, device)).rejects.toThrow(/Not authorized/);
  });

  test('a condition on the attachment is evaluated', async () => {
    const statements = [
      { ...allow('iot:Connect', '*'), Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } } },
    ];
    const other = await addDevice(test_, 'sensor-3', statements);
    await expect(connect(test_, other, { clientId: 'unattached' })).rejects.toThrow(/Not authorized/);
    expect((await connect(test_, other)).connected).toBe(true);
  });

  test('MQTT 5 and an empty client id are refused', async () => {
    await expect(connect(test_, device, { protocolVersion: 5 })).rejects.toThrow();
    await expect(connect(test_, device, { clientId: '', clean: true })).rejects.toThrow();
  });

  test('a second connection with the same client id takes over', async () => {
    const first = await connect(test_, device);
    const gone = closed(first);
    const second = await connect(test_, device);
    await gone;
    await second.subscribeAsync('sensor-1/x');
    expect(second.connected).toBe(true);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s sessions are never resumed', async (version) => {
    const options = { minVersion: version, maxVersion: version };
    const first = await connect(test_, device, options);
    // A whole exchange, so that a ticket of TLS 1.3 has arrived.
    await first.subscribeAsync('sensor-1/a');
    const session = (first.stream as TLSSocket).getSession();
    expect(session).toBeDefined();
    await first.endAsync();
    const second = await connect(test_, device, { ...options, session });
    expect((second.stream as TLSSocket).isSessionReused()).toBe(false);
  });

  test('names of the server certificate hold for localhost and 127.0.0.1', async () => {
    expect((await connect(test_, device, { host: 'localhost' })).connected).toBe(true);
  });
});

describe('publishing and subscribing', () => {
  test.each([0, 1] as const)('a message arrives at QoS %i', async (qos) => {
    const client = await connect(test_, device);
    await client.subscribeAsync('sensor-1/+', { qos });
    const arrived = nextMessage(client);
    await client.publishAsync('sensor-1/a', 'hello', { qos });
    expect(await arrived).toMatchObject({ topic: 'sensor-1/a', payload: 'hello' });
  });

  test("publishing to another's topic ends the connection", async () => {
    const client = await connect(test_, device);
    expect(await outcome(client, client.publishAsync('sensor-2/a', 'x', { qos: 1 }))).toBe('disconnected');
    expect(test_.log).toContainEqual(
      expect.objectContaining({
        action: 'iot:Publish',
        resource: arn('topic/sensor-2/a'),
        clientId: 'sensor-1',
      }),
    );
  });

  test('a filter wider than the policy ends the connection', async () => {
    const client = await connect(test_, device);
    expect(await outcome(client, client.subscribeAsync('+/a'))).toBe('disconnected');
  });

  test('an explicit deny wins', async () => {
    const denied = await addDevice(test_, 'sensor-4', [
      ...OWN_TOPICS,
      deny('iot:Publish', arn('topic/sensor-4/secret')),
    ]);
    const client = await connect(test_, denied);
    await client.publishAsync('sensor-4/open', 'x', { qos: 1 });
    expect(await outcome(client, client.publishAsync('sensor-4/secret', 'x', { qos: 1 }))).toBe(
      'disconnected',
    );
  });

  test('a message is not delivered without iot:Receive', async () => {
    const receiver = await addDevice(test_, 'receiver', [
      allow('iot:Connect', '*'),
      allow('iot:Subscribe', arn('topicfilter/news/#')),
      allow('iot:Receive', arn('topic/news/open')),
    ]);
    const sender = await addDevice(test_, 'sender', [allow(['iot:Connect', 'iot:Publish'], '*')]);
    const [from, to] = [await connect(test_, sender), await connect(test_, receiver)];
    await to.subscribeAsync('news/#', { qos: 1 });
    const arrived = nextMessage(to);
    await from.publishAsync('news/closed', 'no', { qos: 1 });
    await from.publishAsync('news/open', 'yes', { qos: 1 });
    expect(await arrived).toMatchObject({ topic: 'news/open', payload: 'yes' });
    expect(test_.log).toContainEqual(
      expect.objectContaining({ action: 'iot:Receive', resource: arn('topic/news/closed') }),
    );
  });

  test('a policy that is attached later counts at once', async () => {
    const client = await connect(test_, device);
    test_.iotCore.registry.policies.put('more', {
      Version: '2012-10-17',
      Statement: allow('iot:Publish', arn('topic/more')),
    });
    test_.iotCore.registry.certificates.attachPolicy(device.certificateId, 'more');
    expect(await outcome(client, client.publishAsync('more', 'x', { qos: 1 }))).toBe('done');
  });

  test('payloads up to 128 KB pass, larger ones end the connection', async () => {
    const client = await connect(test_, device);
    const limit = 128 * 1024;
    expect(await outcome(client, client.publishAsync('sensor-1/a', Buffer.alloc(limit), { qos: 1 }))).toBe(
      'done',
    );
    expect(
      await outcome(client, client.publishAsync('sensor-1/a', Buffer.alloc(limit + 1), { qos: 1 })),
    ).toBe('disconnected');
  });

  test.each([
    ['more than 7 slashes', 'sensor-1/2/3/4/5/6/7/8/9'],
    ['more than 256 bytes', `sensor-1/${'x'.repeat(248)}`],
    ['reserved', '$aws/rules/x'],
  ])('a topic that is %s ends the connection', async (_what, topic) => {
    const all = await addDevice(test_, 'all', [allow('*', '*')]);
    const client = await connect(test_, all);
    expect(await outcome(client, client.publishAsync(topic, 'x', { qos: 1 }))).toBe('disconnected');
  });

  test('QoS 2 ends the connection, in publish and in subscribe', async () => {
    const publisher = await connect(test_, device);
    expect(await outcome(publisher, publisher.publishAsync('sensor-1/a', 'x', { qos: 2 }))).toBe(
      'disconnected',
    );
    const subscriber = await connect(test_, device);
    expect(await outcome(subscriber, subscriber.subscribeAsync('sensor-1/a', { qos: 2 }))).toBe(
      'disconnected',
    );
  });

  test('one device that is thrown out disturbs no other', async () => {
    const other = await addDevice(test_, 'sensor-5');
    const [bad, good] = [await connect(test_, device), await connect(test_, other)];
    await good.subscribeAsync('sensor-5/a');
    await outcome(bad, bad.publishAsync('sensor-5/a', 'forged', { qos: 1 }));
    const arrived = nextMessage(good);
    await good.publishAsync('sensor-5/a', 'own');
    expect(await arrived).toMatchObject({ payload: 'own' });
  });
});

describe('last will', () => {
  const will = (topic: string) => ({
    will: { topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false },
  });

  test('is published when the connection breaks, within the policy', async () => {
    const watcher = await addDevice(test_, 'watcher', [allow('*', '*')]);
    const [watching, allowed] = [
      await connect(test_, watcher),
      await connect(test_, device, will('sensor-1/will')),
    ];
    const other = await addDevice(test_, 'sensor-6');
    const denied = await connect(test_, other, will('sensor-1/forged'));
    await watching.subscribeAsync('sensor-1/#', { qos: 1 });
    const arrived = nextMessage(watching);
    denied.stream.destroy();
    await closed(denied);
    allowed.stream.destroy();
    expect(await arrived).toMatchObject({ topic: 'sensor-1/will', payload: 'gone' });
    expect(test_.log).toContainEqual(
      expect.objectContaining({ action: 'iot:Publish', resource: arn('topic/sensor-1/forged') }),
    );
  });
});

describe('retained messages', () => {
  test('reach who subscribes later, and an empty one removes them', async () => {
    const client = await connect(test_, device);
    await client.publishAsync('sensor-1/state', 'on', { qos: 1, retain: true });
    const arrived = nextMessage(client);
    await client.subscribeAsync('sensor-1/state', { qos: 1 });
    expect(await arrived).toEqual({ topic: 'sensor-1/state', payload: 'on', retain: true });
    await client.publishAsync('sensor-1/state', '', { qos: 1, retain: true });
    const marker = nextMessage(await resubscribed(client, 'sensor-1/#'));
    await client.publishAsync('sensor-1/marker', 'x', { qos: 1 });
    expect(await marker).toMatchObject({ topic: 'sensor-1/marker' });
  });

  test('need iot:RetainPublish', async () => {
    const plain = await addDevice(test_, 'plain', [allow(['iot:Connect', 'iot:Publish'], '*')]);
    const client = await connect(test_, plain);
    expect(await outcome(client, client.publishAsync('plain/a', 'x', { qos: 1 }))).toBe('done');
    expect(await outcome(client, client.publishAsync('plain/a', 'x', { qos: 1, retain: true }))).toBe(
      'disconnected',
    );
  });

  test('survive a restart, together with the devices', async () => {
    const client = await connect(test_, device);
    await client.publishAsync('sensor-1/state', 'kept', { qos: 1, retain: true });
    await test_.restart();
    const again = await connect(test_, device);
    const arrived = nextMessage(again);
    await again.subscribeAsync('sensor-1/state', { qos: 1 });
    expect(await arrived).toEqual({ topic: 'sensor-1/state', payload: 'kept', retain: true });
  });

  async function resubscribed(client: MqttClient, filter: string): Promise<MqttClient> {
    await client.unsubscribeAsync('sensor-1/state');
    await client.subscribeAsync(filter, { qos: 1 });
    return client;
  }
});

test('closing IoT Core ends every connection', async () => {
  const client = await connect(test_, device);
  const gone = closed(client);
  await test_.restart();
  await gone;
  expect(client.connected).toBe(false);
});
