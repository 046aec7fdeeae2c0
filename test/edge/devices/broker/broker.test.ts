import { connect as tlsConnect, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import pino from 'pino';
import { Admission } from '../../../../edge/devices/admission';
import { DeviceBroker } from '../../../../edge/devices/broker/broker';
import { backgroundClock } from '../../../../lib/clock';
import { EdgeError, emptyDefinition, MAX_MQTT_PAYLOAD, type GroupDefinition } from '../../../../protocol';
import { selfSigned, type TestCertificate } from '../../support/certificates';
import { MqttDevice } from '../../support/mqttDevice';

const NAMES = ['camera-1', 'camera-2', 'rover-1', 'stranger', 'expired', 'early'] as const;
const VALIDITY: Partial<Record<string, [number, number]>> = { expired: [-9, -2], early: [2, 9] };

let certificates: Record<(typeof NAMES)[number] | 'edge', TestCertificate>;
let definition: GroupDefinition;
let broker: DeviceBroker;
let port: number;
let lookups: string[];
let cloudIsAway: boolean;
const open: MqttDevice[] = [];
const asked: { device: string; what: string; message: Record<string, unknown> }[] = [];

beforeAll(async () => {
  const made = ['edge', ...NAMES].map(
    async (name) => [name, await selfSigned(name, VALIDITY[name])] as const,
  );
  certificates = Object.fromEntries(await Promise.all(made)) as typeof certificates;
});

beforeEach(async () => {
  const entry = (name: (typeof NAMES)[number]) => ({
    certificateId: certificates[name].id,
    source: 'operator' as const,
    seq: 1,
  });
  definition = {
    ...emptyDefinition('plant'),
    devices: Object.fromEntries(
      (['camera-1', 'camera-2', 'expired', 'early'] as const).map((n) => [n, entry(n)]),
    ),
  };
  lookups = [];
  cloudIsAway = false;
  asked.length = 0;
  const admission = new Admission({
    clock: backgroundClock,
    definition: () => definition,
    cloud: {
      async device(certificateId) {
        lookups.push(certificateId);
        if (cloudIsAway) throw new EdgeError('CLOUD_UNREACHABLE');
        if (certificateId !== certificates['rover-1'].id) throw new EdgeError('UNKNOWN_DEVICE');
        return { thingName: 'rover-1', certificateId };
      },
    },
  });
  const { certificate, privateKey } = certificates.edge;
  broker = await DeviceBroker.open({
    ...{ host: '127.0.0.1', port: 0, certificate, privateKey, devicePrefix: 'edge', admission },
    log: pino({ level: 'silent' }),
  });
  port = await broker.listen({
    ask(device, ask, message) {
      asked.push({ device, what: ask, message });
      if (ask === 'join') {
        broker.devices.reply(device, 'joined', { requestId: message.requestId, edge: 'core-1', revision: 1 });
      }
    },
    call: (device, name, message) => void asked.push({ device, what: `call ${name}`, message }),
  });
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((device) => device.end()));
  await broker.close();
});

async function device(name: (typeof NAMES)[number], options = {}): Promise<MqttDevice> {
  const opened = await MqttDevice.open(name, certificates[name], port, options);
  open.push(opened);
  return opened;
}

/** The CONNACK return code of a refused connection, or how else it ended. */
function refusal(name: string, certificate: TestCertificate | undefined): Promise<unknown> {
  return MqttDevice.connect(name, certificate, port).then(
    (connected) => (open.push(connected), 'connected'),
    (error: unknown) => {
      const { code, message } = error as { code?: unknown; message: string };
      return code ?? message;
    },
  );
}

/** A round trip of the device: all that it published before has been handled. */
async function roundTrip(from: MqttDevice, requestId: string): Promise<void> {
  await from.ask('join', { requestId });
  await from.reply('joined', requestId);
}

describe('admission at CONNECT', () => {
  test('a device of the definition, at each QoS', async () => {
    const camera = await device('camera-1');
    await camera.ask('join', { requestId: 'j1' }, 1);
    expect(await camera.reply('joined', 'j1')).toEqual({ requestId: 'j1', edge: 'core-1', revision: 1 });
    await camera.ask('join', { requestId: 'j0' }, 0);
    await camera.reply('joined', 'j0');
    expect(broker.certificateOf('camera-1')).toBe(certificates['camera-1'].id);
    expect(lookups).toEqual([]);
  });

  test('no certificate, an unknown one, an expired one, one that is not valid yet: not authorised', async () => {
    expect(await refusal('camera-1', undefined)).toBe(5);
    expect(await refusal('stranger', certificates.stranger)).toBe(5);
    expect(await refusal('expired', certificates.expired)).toBe(5);
    expect(await refusal('early', certificates.early)).toBe(5);
    expect(lookups).toEqual([certificates.stranger.id]);
  });

  test('another client id than the thing name: identifier rejected', async () => {
    expect(await refusal('camera-2', certificates['camera-1'])).toBe(2);
    expect(await refusal('', certificates['camera-1'])).toBe(2);
  });

  test('a device that moved here is looked up once', async () => {
    const rover = await device('rover-1');
    await roundTrip(rover, 'j1');
    await rover.end();
    await device('rover-1');
    expect(lookups).toHaveLength(1);
    expect(broker.certificateOf('rover-1')).toBe(certificates['rover-1'].id);
  });

  test('an unknown certificate while the cloud is away: server unavailable', async () => {
    cloudIsAway = true;
    expect(await refusal('rover-1', certificates['rover-1'])).toBe(3);
  });

  test('a revoked device is refused', async () => {
    revoke('camera-1');
    expect(await refusal('camera-1', certificates['camera-1'])).toBe(5);
  });

  test('a device that is revoked while connected is cut off; others are not', async () => {
    const [camera, other] = [await device('camera-1'), await device('camera-2')];
    const closed = camera.closed();
    revoke('camera-1');
    broker.devices.enforceAdmission();
    await closed;
    await roundTrip(other, 'j1');
  });

  test('a second connection takes the place of the first', async () => {
    const first = await device('camera-1');
    const closed = first.closed();
    const second = await device('camera-1');
    await closed;
    await roundTrip(second, 'j1');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('a TLS session is never resumed (%s)', async (version) => {
    const first = tlsSocket(version);
    const [session] = (await once(first, 'session')) as [Buffer];
    first.destroy();
    const second = tlsSocket(version, session);
    await once(second, 'secureConnect');
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
  });
});

function tlsSocket(version: 'TLSv1.2' | 'TLSv1.3', session?: Buffer): TLSSocket {
  const { certificate, privateKey } = certificates['camera-1'];
  const socket = tlsConnect({
    ...{ host: '127.0.0.1', port, cert: certificate, key: privateKey, rejectUnauthorized: false },
    ...{ minVersion: version, maxVersion: version },
    ...(session && { session }),
  });
  socket.on('error', () => undefined);
  return socket.resume();
}

function revoke(name: 'camera-1'): void {
  const entry = definition.devices[name];
  if (entry === undefined) throw new Error(name);
  definition = { ...definition, devices: { ...definition.devices, [name]: { ...entry, revoked: true } } };
}

describe('topics', () => {
  test.each([
    ["another device's ask", 'edge/camera-2/ask/join'],
    ["another device's reply", 'edge/camera-2/reply/ready'],
    ['its own reply', 'edge/camera-1/reply/ready'],
    ['the status of the edge', 'edge/status'],
    ['an unknown ask', 'edge/camera-1/ask/everything'],
    ['a deeper topic', 'edge/camera-1/call/detect/more'],
    ['another prefix', 'other/camera-1/ask/join'],
    ['the broker’s own topics', '$SYS/x'],
    ['too many levels', `edge/camera-1/ask/${'a/'.repeat(20)}`],
    ['too long a topic', `edge/camera-1/call/${'a'.repeat(300)}`],
  ])('publishing on %s: refused with a code, not delivered, still connected', async (_what, topic) => {
    const [camera, other] = [await device('camera-1'), await device('camera-2')];
    await other.client.subscribeAsync('edge/status');
    await camera.publish(topic, { requestId: 'x1', state: 'ready' });
    expect(await camera.reply('failed', 'x1')).toMatchObject({ error: { code: 'FORBIDDEN_TOPIC' } });
    await roundTrip(camera, 'j1');
    await roundTrip(other, 'j2');
    expect(asked.map(({ device: from, what }) => `${from} ${what}`)).toEqual([
      'camera-1 join',
      'camera-2 join',
    ]);
    expect(other.received.map(({ topic: seen }) => seen)).toEqual(['edge/camera-2/reply/joined']);
  });

  test('a retained publish is not kept', async () => {
    const camera = await device('camera-1');
    await camera.client.publishAsync('edge/status', '{"forged":true}', { qos: 1, retain: true });
    await camera.reply('failed');
    broker.devices.announce({ state: 'ready', revision: 3, edge: 'core-1' });
    const other = await device('camera-2');
    await other.client.subscribeAsync('edge/status');
    const { message } = await other.next(({ topic }) => topic === 'edge/status');
    expect(message).toEqual({ state: 'ready', revision: 3, edge: 'core-1' });
  });

  test('subscribing to anything but its own replies and the status is refused', async () => {
    const camera = await device('camera-1');
    const filters = [
      'edge/camera-2/reply/+',
      '#',
      'edge/+/reply/ready',
      'edge/camera-1/#',
      '$SYS/#',
      'edge/camera-1/ask/+',
    ];
    const refused = filters.map((filter) =>
      camera.client.subscribeAsync(filter).then(
        (granted) => granted[0]?.qos,
        () => 128,
      ),
    );
    expect(await Promise.all(refused)).toEqual(filters.map(() => 128));
    await camera.client.subscribeAsync(['edge/camera-1/reply/ready', 'edge/status']);
  });

  test('what functions publish reaches whoever subscribes, once', async () => {
    const [camera, other] = [await device('camera-1'), await device('camera-2')];
    await camera.client.subscribeAsync(['edge/shared/alerts/+', 'edge/shared/#'], { qos: 1 });
    await other.client.subscribeAsync('edge/shared/reports/#');
    broker.devices.share('edge/shared/alerts/line-1', '{"n":1}');
    broker.devices.share('edge/shared/reports', '{"n":2}');
    await roundTrip(camera, 'j1');
    await roundTrip(other, 'j2');
    const shared = ({ received }: MqttDevice) =>
      received.filter(({ topic }) => topic.startsWith('edge/shared/'));
    expect(shared(camera)).toEqual([
      { topic: 'edge/shared/alerts/line-1', message: { n: 1 } },
      { topic: 'edge/shared/reports', message: { n: 2 } },
    ]);
    expect(shared(other)).toEqual([{ topic: 'edge/shared/reports', message: { n: 2 } }]);
  });

  test('a device has at most 50 subscriptions, however it asks for them', async () => {
    const camera = await device('camera-1');
    const filters = Array.from({ length: 60 }, (_, n) => `edge/shared/line-${n}`);
    const granted = await camera.client.subscribeAsync(filters).catch(() => []);
    expect(granted.filter(({ qos }) => qos < 128).length).toBeLessThanOrEqual(49);
    const oneMore = () => camera.client.subscribeAsync('edge/shared/one-more');
    await expect(oneMore()).rejects.toThrow();
    // What it has already it may ask for again.
    await camera.client.subscribeAsync('edge/camera-1/reply/+');
    await camera.client.unsubscribeAsync('edge/shared/line-0');
    await oneMore();
    for (const topic of ['line-0', 'line-1', 'line-59', 'one-more']) {
      broker.devices.share(`edge/shared/${topic}`, '{}');
    }
    await roundTrip(camera, 'j1');
    const heard = camera.received.flatMap(({ topic }) => topic.split('edge/shared/')[1] ?? []);
    expect(heard).toEqual(['line-1', 'one-more']);
  });

  test('a session ends with its connection: nothing of it is kept, whatever the device asks for', async () => {
    const camera = await device('camera-1', { clean: false });
    await camera.client.subscribeAsync('edge/shared/#', { qos: 1 });
    await camera.end();
    const again = await MqttDevice.connect('camera-1', certificates['camera-1'], port, {
      clean: false,
      resubscribe: false,
    });
    open.push(again);
    await again.client.subscribeAsync('edge/camera-1/reply/+');
    await roundTrip(again, 'j1');
    broker.devices.share('edge/shared/alerts', '{}');
    await roundTrip(again, 'j2');
    const joined = 'edge/camera-1/reply/joined';
    expect(again.received.map(({ topic }) => topic)).toEqual([joined, joined]);
  });

  test('a device cannot publish there', async () => {
    const [camera, other] = [await device('camera-1'), await device('camera-2')];
    await other.client.subscribeAsync('edge/shared/#');
    await camera.publish('edge/shared/alerts', { n: 1 });
    await camera.publish('edge/shared/ask/join', { requestId: 'j' });
    expect((await camera.reply('failed'))['error']).toMatchObject({ code: 'FORBIDDEN_TOPIC' });
    await roundTrip(other, 'j3');
    expect(other.received.filter(({ topic }) => topic.startsWith('edge/shared/'))).toEqual([]);
    expect(asked.filter(({ device: name }) => name === 'shared')).toEqual([]);
  });

  test('a device gets only the replies that it subscribed to', async () => {
    const camera = await MqttDevice.connect('camera-1', certificates['camera-1'], port);
    open.push(camera);
    await camera.client.subscribeAsync('edge/camera-1/reply/released');
    broker.devices.reply('camera-1', 'joined', { requestId: 'a', edge: 'core-1', revision: 1 });
    broker.devices.reply('camera-1', 'released', { requestId: 'b', function: 'detect' });
    await camera.reply('released', 'b');
    expect(camera.received).toHaveLength(1);
  });

  test('a will is ignored', async () => {
    const will = {
      topic: 'edge/camera-2/reply/ready',
      payload: Buffer.from('{}'),
      qos: 1 as const,
      retain: false,
    };
    const [other, camera] = [await device('camera-2'), await device('camera-1', { will })];
    camera.client.stream.destroy();
    await camera.closed();
    const again = await device('camera-1');
    await roundTrip(again, 'j1');
    await roundTrip(other, 'j2');
    expect(other.received).toHaveLength(1);
  });
});

describe('payloads', () => {
  test.each([
    ['not JSON', '{"requestId":"x1", oops', 'x1', '(whole)'],
    ['empty', '', undefined, '(whole)'],
    ['not an object', '[1]', undefined, '(whole)'],
    ['a missing field', '{"requestId":"x1"}', 'x1', 'function'],
    ['an unknown field', '{"requestId":"x1","function":"detect","more":1}', 'x1', 'more'],
    ['a wrong name', '{"requestId":"x1","function":"../detect"}', 'x1', 'function'],
    ['a wrong version', '{"requestId":"x1","function":"detect","version":"latest!"}', 'x1', 'version'],
    ['no readable request id', '{"requestId":"a b","function":"detect"}', undefined, 'requestId'],
  ])('%s', async (_what, payload, requestId, field) => {
    const camera = await device('camera-1');
    await camera.publish('edge/camera-1/ask/request', payload);
    const failed = await camera.reply('failed');
    expect(failed).toMatchObject({ error: { code: 'BAD_REQUEST', field } });
    expect(failed['requestId']).toBe(requestId);
    expect(asked).toEqual([]);
  });

  test('an asynchronous call, and one of a function whose name cannot be', async () => {
    const camera = await device('camera-1');
    await camera.publish('edge/camera-1/call/detect', { requestId: 'c1', input: [1] });
    await camera.publish('edge/camera-1/call/9lives', { requestId: 'c2' });
    expect(await camera.reply('failed', 'c2')).toMatchObject({ error: { code: 'BAD_REQUEST' } });
    expect(asked).toMatchObject([{ what: 'call detect', message: { input: [1] } }]);
  });

  test.each([MAX_MQTT_PAYLOAD + 1, 3 * 1024 * 1024])(
    '%i bytes are refused with the request id',
    async (size) => {
      const camera = await device('camera-1');
      const start = '{"requestId":"big","function":"detect","location":"edge","input":"';
      await camera.publish('edge/camera-1/ask/invoke', start.padEnd(size, 'x'));
      expect(await camera.reply('failed', 'big')).toMatchObject({ error: { code: 'PAYLOAD_TOO_LARGE' } });
      expect(asked).toEqual([]);
      await roundTrip(camera, 'j1');
    },
  );

  test('exactly the limit is taken', async () => {
    const camera = await device('camera-1');
    const message = { requestId: 'i1', function: 'detect', location: 'edge', input: '' };
    message.input = 'x'.repeat(MAX_MQTT_PAYLOAD - JSON.stringify(message).length);
    await camera.publish('edge/camera-1/ask/invoke', message);
    await roundTrip(camera, 'j1');
    expect(asked[0]).toMatchObject({ what: 'invoke' });
  });

  test('QoS 2 is answered, refused and not run', async () => {
    const camera = await device('camera-1');
    await camera.publish('edge/camera-1/ask/join', { requestId: 'q2' }, 2);
    expect(await camera.reply('failed', 'q2')).toMatchObject({
      error: { code: 'BAD_REQUEST', field: 'qos' },
    });
    expect(asked).toEqual([]);
  });

  test('bytes that are no MQTT end the connection, and no other', async () => {
    const camera = await device('camera-1');
    const socket = tlsSocket('TLSv1.3');
    await once(socket, 'secureConnect');
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
    await roundTrip(camera, 'j1');
  });
});

test('a stop is announced before the connections end', async () => {
  const camera = await device('camera-1');
  await camera.client.subscribeAsync('edge/status');
  const closed = camera.closed();
  broker.devices.announce({ state: 'stopping', revision: 1, edge: 'core-1' });
  await broker.close();
  await closed;
  expect(camera.received.at(-1)?.message).toMatchObject({ state: 'stopping' });
  await expect(MqttDevice.connect('camera-1', certificates['camera-1'], port)).rejects.toThrow();
});
