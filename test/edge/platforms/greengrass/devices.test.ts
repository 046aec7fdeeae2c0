import pino from 'pino';
import { Admission } from '../../../../edge/devices/admission';
import type { DeviceAccess } from '../../../../edge/devices/deviceAccess';
import { prepareDevices } from '../../../../edge/platforms/greengrass/devices';
import type { LocalListener, NucleusClient } from '../../../../edge/platforms/greengrass/nucleus';
import { EdgeError, emptyDefinition, MAX_MQTT_PAYLOAD, type GroupDefinition } from '../../../../protocol';
import { topicMatches } from '../../../../local/services/iotCore/topics';
import { ManualClock, settle } from '../../support/manualClock';

/** Local publish/subscribe of a nucleus, in memory. */
class MemoryPubsub implements Pick<NucleusClient, 'subscribeLocal' | 'publishLocal'> {
  readonly published: { topic: string; message: Record<string, unknown> }[] = [];
  readonly subscriptions = new Map<string, { listener: LocalListener; onEnded(): void }>();
  refused: EdgeError | undefined;

  subscribeLocal(filter: string, listener: LocalListener, onEnded: () => void): Promise<void> {
    if (this.refused) return Promise.reject(this.refused);
    this.subscriptions.set(filter, { listener, onEnded });
    return Promise.resolve();
  }

  publishLocal(topic: string, payload: string): Promise<void> {
    if (this.refused) return Promise.reject(this.refused);
    this.published.push({ topic, message: JSON.parse(payload) as Record<string, unknown> });
    return Promise.resolve();
  }

  send(topic: string, payload: unknown): void {
    const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
    for (const [filter, { listener }] of this.subscriptions) {
      if (topicMatches(filter, topic)) listener(topic, bytes);
    }
  }

  end(filter: string): void {
    const subscription = this.subscriptions.get(filter);
    this.subscriptions.delete(filter);
    subscription?.onEnded();
  }
}

const ASKS = 'edge/+/ask/+';
const CALLS = 'edge/+/call/+';

let clock: ManualClock;
let nucleus: MemoryPubsub;
let definition: GroupDefinition;
let heard: unknown[];
let access: DeviceAccess;

const handlers = {
  ask: (device: string, ask: string, message: object) => void heard.push([device, ask, message]),
  call: (device: string, name: string, message: object) => void heard.push([device, name, message]),
};

beforeEach(async () => {
  clock = new ManualClock();
  nucleus = new MemoryPubsub();
  heard = [];
  const entry = (id: string) => ({ certificateId: id.repeat(64), source: 'operator' as const, seq: 1 });
  definition = {
    ...emptyDefinition('plant'),
    devices: { 'camera-1': entry('a'), 'camera-2': { ...entry('b'), revoked: true } },
  };
  const cloud = {
    device: () => Promise.reject(new Error('the core knows no certificate that it could look up')),
  };
  const openDevices = await prepareDevices({ devices: 'pubsub', listen: undefined }, nucleus, clock);
  access = await openDevices({
    devicePrefix: 'edge',
    admission: new Admission({ clock, cloud, definition: () => definition }),
    log: pino({ level: 'silent' }),
  });
});
afterEach(() => access.close());

const request = { requestId: 'r1', function: 'detect' };

test('hears what devices ask, and has no port to tell', async () => {
  expect(await access.listen(handlers)).toBeUndefined();
  expect([...nucleus.subscriptions.keys()]).toEqual([ASKS, CALLS]);
  nucleus.send('edge/camera-1/ask/request', request);
  nucleus.send('edge/camera-1/call/detect', { requestId: 'c1', input: 7 });
  expect(heard).toMatchObject([
    ['camera-1', 'request', request],
    ['camera-1', 'detect', { requestId: 'c1', input: 7 }],
  ]);
  expect(access.certificateOf('camera-1')).toBeUndefined();
});

test('answers the device that the topic names, whatever the payload says', async () => {
  await access.listen(handlers);
  nucleus.send('edge/camera-1/ask/request', { ...request, device: 'camera-3' });
  expect(heard).toEqual([]);
  expect(nucleus.published).toEqual([
    {
      topic: 'edge/camera-1/reply/failed',
      message: { requestId: 'r1', error: expect.objectContaining({ code: 'BAD_REQUEST', field: 'device' }) },
    },
  ]);
});

const BIG = { requestId: 'r1', input: 'x'.repeat(MAX_MQTT_PAYLOAD) };

test.each([
  ['a device that the group has not', 'rover-1', 'request', request, 'UNKNOWN_DEVICE'],
  ['a revoked device', 'camera-2', 'request', request, 'DEVICE_REVOKED'],
  ['a revoked device, too much of it', 'camera-2', 'invoke', BIG, 'DEVICE_REVOKED'],
  ['more than 128 KB', 'camera-1', 'invoke', BIG, 'PAYLOAD_TOO_LARGE'],
  ['no such ask', 'camera-1', 'reboot', request, 'FORBIDDEN_TOPIC'],
  ['no JSON', 'camera-1', 'request', '{"requestId":"r1",', 'BAD_REQUEST'],
])('%s is refused on its own topic', async (_what, device, ask, payload, code) => {
  await access.listen(handlers);
  nucleus.send(`edge/${device}/ask/${ask}`, payload);
  expect(heard).toEqual([]);
  expect(nucleus.published).toMatchObject([
    { topic: `edge/${device}/reply/failed`, message: { requestId: 'r1', error: { code } } },
  ]);
});

test.each(['edge/shared/ask/request', 'edge/no device/ask/request', 'edge/constructor/ask/request'])(
  '%s is of no device: nobody is answered',
  async (topic) => {
    await access.listen(handlers);
    nucleus.send(topic, request);
    expect(heard).toEqual([]);
    expect(nucleus.published).toEqual([]);
  },
);

test('a device is refused from the moment that the definition revokes it', async () => {
  await access.listen(handlers);
  nucleus.send('edge/camera-1/ask/request', request);
  expect(heard).toHaveLength(1);
  const entry = definition.devices['camera-1'];
  if (entry === undefined) throw new Error('no camera');
  definition = { ...definition, devices: { 'camera-1': { ...entry, revoked: true } } };
  nucleus.send('edge/camera-1/ask/request', request);
  expect(heard).toHaveLength(1);
});

test('publishes replies, the status and what functions share', async () => {
  access.devices.reply('camera-1', 'released', { requestId: 'r1', function: 'detect' });
  access.devices.announce({ state: 'ready', revision: 3, edge: 'core-1' });
  access.devices.share('edge/shared/alarms', '{"line":1}');
  expect(nucleus.published.map(({ topic }) => topic)).toEqual([
    'edge/camera-1/reply/released',
    'edge/status',
    'edge/shared/alarms',
  ]);
  expect(nucleus.published[2]?.message).toEqual({ line: 1 });
});

test('a message that cannot be published is no failure of the core', async () => {
  nucleus.refused = new EdgeError('DISCONNECTED');
  access.devices.announce({ state: 'stopping', revision: 3, edge: 'core-1' });
  await expect(access.close()).resolves.toBeUndefined();
});

test('without the rights it does not start', async () => {
  nucleus.refused = new EdgeError('CORE_NOT_AUTHORISED');
  await expect(access.listen(handlers)).rejects.toMatchObject({ code: 'CORE_NOT_AUTHORISED' });
});

test('subscribes again when a subscription ends, as long as it takes', async () => {
  await access.listen(handlers);
  nucleus.refused = new EdgeError('DISCONNECTED');
  nucleus.end(ASKS);
  await clock.advance(250);
  expect([...nucleus.subscriptions.keys()]).toEqual([CALLS]);
  nucleus.refused = undefined;
  await clock.advance(500);
  await settle();
  nucleus.send('edge/camera-1/ask/request', request);
  expect(heard).toHaveLength(1);
});

test('closed, it subscribes no more', async () => {
  await access.listen(handlers);
  await access.close();
  nucleus.end(ASKS);
  await clock.advance(60_000);
  expect([...nucleus.subscriptions.keys()]).toEqual([CALLS]);
});
