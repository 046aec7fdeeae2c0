import { randomBytes, randomUUID } from 'node:crypto';
import type { Edge } from '../../local';
import { MAX_MQTT_PAYLOAD } from '../../protocol';
import { selfSigned } from '../edge/support/certificates';
import type { MqttDevice } from '../edge/support/mqttDevice';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { LogLines } from '../support/logLines';
import { changeGroup, definitionOf } from '../support/operatorChange';
import { connectRaw, openRaw } from '../support/rawDevice';
import { keepCalling, type SteadyCaller } from '../support/steadyCaller';

/** What devices must not send, and who must not connect, against the real edge core over mutual TLS. */

/** CONNACK return codes, MQTT 3.1.1 §3.2.2.3. */
const IDENTIFIER_REJECTED = 2;
const NOT_AUTHORISED = 5;
const ANSWER_MS = 5_000;

/** One instance at a time, so that the calls are counted in one place. */
const COUNTER = 'let calls = 0; exports.handler = async (event) => ({ calls: ++calls, event });';

let environment: TestEnvironment;
let edge: Edge;
/** Sends what is wrong. */
let raw: MqttDevice;
/** Is connected and subscribed all the while. */
let neighbour: MqttDevice;
let bystander: SteadyCaller;
const log = new LogLines();

beforeAll(async () => {
  environment = await startTestEnvironment();
  edge = await environment.startEdge(GROUP, { onLine: (line) => log.write(line) });
  const [files] = await Promise.all([
    environment.addDevice('neighbour', GROUP),
    environment.registerFunction('counter', COUNTER, { instances: 1, pinned: true }),
  ]);
  const sensor2 = await environment.connectDevice('sensor-2');
  await sensor2.deploy('smoothSignal');
  await sensor2.deploy('counter');
  bystander = keepCalling(sensor2, 'smoothSignal', { samples: [1, 2, 3] });
  neighbour = await openRaw(edge, files);
  await neighbour.client.subscribeAsync('edge/status');
  raw = await openRaw(edge, await environment.deviceCredentials('sensor-1'));
});

afterAll(() => environment?.close());

async function failure(device: MqttDevice, requestId: string | undefined): Promise<Record<string, unknown>> {
  const topic = `edge/${device.name}/reply/failed`;
  const found = device.next(({ topic: on, message }) => on === topic && message['requestId'] === requestId);
  const { message } = await inTime(found);
  device.received.length = 0;
  return message['error'] as Record<string, unknown>;
}

/** Bounded: an answer that does not come fails the test as what it is. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** Calls of the counter so far, this one included. */
async function count(device: MqttDevice = raw): Promise<number> {
  const requestId = randomUUID();
  await device.ask('invoke', { requestId, function: 'counter' });
  const { output } = await inTime(device.reply('result', requestId));
  return (output as { calls: number }).calls;
}

const ask = (kind: string): string => `edge/sensor-1/ask/${kind}`;
const json = (value: unknown): string => JSON.stringify(value);
/** A payload of this many bytes with the id at its beginning. */
const sized = (requestId: string, bytes: number): string => {
  const empty = json({ requestId, function: 'counter', input: '' });
  return json({ requestId, function: 'counter', input: 'x'.repeat(bytes - empty.length) });
};

describe('a message of the wrong form', () => {
  const wrong = (requestId: string, fields: object) => json({ requestId, ...fields });

  it.each([
    ['malformed JSON', ask('request'), '{"requestId":"w1","function":', 'w1', '(whole)'],
    ['JSON with something after it', ask('request'), '{"requestId":"w2"} {}', 'w2', '(whole)'],
    ['an array', ask('request'), '[]', undefined, '(whole)'],
    ['a string', ask('request'), '"request"', undefined, '(whole)'],
    ['null', ask('invoke'), 'null', undefined, '(whole)'],
    ['a number', ask('join'), '42', undefined, '(whole)'],
    ['a name of the wrong type', ask('request'), wrong('w3', { function: 42 }), 'w3', 'function'],
    [
      'a version of the wrong type',
      ask('request'),
      wrong('w4', { function: 'f', version: 1 }),
      'w4',
      'version',
    ],
    [
      'a time limit of the wrong type',
      ask('invoke'),
      wrong('w5', { function: 'f', timeoutMs: '9' }),
      'w5',
      'timeoutMs',
    ],
    [
      'a time limit that is none',
      ask('invoke'),
      wrong('w6', { function: 'f', timeoutMs: 0 }),
      'w6',
      'timeoutMs',
    ],
    [
      'an unknown location',
      ask('invoke'),
      wrong('w7', { function: 'f', location: 'moon' }),
      'w7',
      'location',
    ],
    ['a missing name', ask('request'), wrong('w8', {}), 'w8', 'function'],
    ['a path for a name', ask('request'), wrong('w9', { function: '../../etc/passwd' }), 'w9', 'function'],
    ['an inherited name', ask('request'), wrong('w10', { function: 'constructor' }), 'w10', 'function'],
    ['a long name', ask('request'), wrong('w11', { function: 'f'.repeat(49) }), 'w11', 'function'],
    ['a topic wildcard for a name', ask('release'), wrong('w12', { function: '#' }), 'w12', 'function'],
    [
      'a version that is no range',
      ask('request'),
      wrong('w13', { function: 'f', version: 'newest!' }),
      'w13',
      'version',
    ],
    ['an empty version', ask('prefetch'), wrong('w14', { function: 'f', version: '' }), 'w14', 'version'],
    [
      'a long version',
      ask('request'),
      wrong('w15', { function: 'f', version: '1'.repeat(65) }),
      'w15',
      'version',
    ],
    ['no request id', ask('request'), json({ function: 'counter' }), undefined, 'requestId'],
    ['an empty request id', ask('request'), wrong('', { function: 'counter' }), undefined, 'requestId'],
    ['a number for a request id', ask('confirm'), json({ requestId: 7 }), undefined, 'requestId'],
    ['a long request id', ask('confirm'), json({ requestId: 'r'.repeat(65) }), undefined, 'requestId'],
    ['a path for a request id', ask('confirm'), json({ requestId: '../x' }), undefined, 'requestId'],
    ['an empty payload', ask('request'), '', undefined, '(whole)'],
    [
      'a function name of the wrong form in the topic',
      'edge/sensor-1/call/1st',
      json({ requestId: 'w16' }),
      'w16',
      '(whole)',
    ],
  ])('%s is answered with BAD_REQUEST and the field', async (_what, topic, payload, requestId, field) => {
    await raw.publish(topic, payload);
    await expect(failure(raw, requestId)).resolves.toMatchObject({ code: 'BAD_REQUEST', field });
  });

  it('an unknown field is named', async () => {
    await raw.ask('request', { requestId: 'u1', function: 'counter', priority: 'high' });
    const error = await failure(raw, 'u1');
    expect(error).toMatchObject({
      code: 'BAD_REQUEST',
      expected: expect.stringContaining('priority') as string,
    });
  });

  it('a field __proto__ is refused like any other that is unknown', async () => {
    await raw.publish(
      ask('request'),
      '{"requestId":"u2","function":"counter","__proto__":{"location":"cloud"}}',
    );
    await expect(failure(raw, 'u2')).resolves.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('a binary payload is answered', async () => {
    const payload = Buffer.concat([Buffer.from([0xff, 0xfe, 0x00]), randomBytes(64)]);
    await raw.client.publishAsync(ask('invoke'), payload, { qos: 1 });
    await expect(failure(raw, undefined)).resolves.toMatchObject({ code: 'BAD_REQUEST', field: '(whole)' });
  });

  it('a confirm without an offer is NOT_OFFERED', async () => {
    await raw.ask('confirm', { requestId: 'never-requested' });
    await expect(failure(raw, 'never-requested')).resolves.toMatchObject({ code: 'NOT_OFFERED' });
  });

  it('QoS 2 is refused, and the connection stays', async () => {
    await inTime(raw.publish(ask('invoke'), { requestId: 'q1', function: 'counter' }, 2));
    await expect(failure(raw, 'q1')).resolves.toMatchObject({ code: 'BAD_REQUEST', field: 'qos' });
    await expect(count()).resolves.toBeGreaterThan(0);
  });

  it.each(['edge', 'cloud'])(
    'an input that is nested too deeply is refused before the %s',
    async (location) => {
      const depth = 60_000;
      const input = '['.repeat(depth) + ']'.repeat(depth);
      const name = location === 'edge' ? 'counter' : 'trainModel';
      const message = `{"requestId":"nested-${location}","function":"${name}","location":"${location}","input":${input}}`;
      await raw.publish(ask('invoke'), message);
      const error = await failure(raw, `nested-${location}`);
      expect(error).toMatchObject({ code: 'BAD_REQUEST', field: 'input' });
      await expect(count()).resolves.toBeGreaterThan(0);
    },
  );
});

describe('a payload over 128 KB', () => {
  it('of exactly 128 KB is served', async () => {
    const before = await count();
    await raw.publish(ask('invoke'), sized('s1', MAX_MQTT_PAYLOAD));
    await expect(raw.reply('result', 's1')).resolves.toMatchObject({ requestId: 's1' });
    await expect(count()).resolves.toBe(before + 2);
  });

  it.each([
    ['one byte more', MAX_MQTT_PAYLOAD + 1],
    ['ten megabytes', 10 * 1024 * 1024],
  ])('of %s is PAYLOAD_TOO_LARGE under its request id, and is not run', async (_what, bytes) => {
    const before = await count();
    const requestId = `s-${bytes}`;
    await raw.publish(ask('invoke'), sized(requestId, bytes));
    const error = await failure(raw, requestId);
    expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { limit: MAX_MQTT_PAYLOAD } });
    await expect(count()).resolves.toBe(before + 1);
  });
});

describe('a topic that is not the device’s own', () => {
  it.each([
    ['of an unknown kind', 'edge/sensor-1/ask/destroy'],
    ['of another device’s requests', 'edge/sensor-2/ask/release'],
    ['of another device’s calls', 'edge/neighbour/call/counter'],
    ['of another device’s replies', 'edge/neighbour/reply/ready'],
    ['of its own replies', 'edge/sensor-1/reply/result'],
    ['of the edge’s status', 'edge/status'],
    ['of the broker itself', '$SYS/broker/uptime'],
    ['of the cloud', 'edge/edge-demo-dev/core/edge-demo-dev-workshop-core/update'],
    ['with one level more', 'edge/sensor-1/ask/invoke/now'],
    ['with more than seven slashes', `edge/sensor-1/call/${'a/'.repeat(6)}b`],
    ['of more than 256 bytes', `edge/sensor-1/call/${'c'.repeat(300)}`],
  ])('%s is FORBIDDEN_TOPIC', async (_what, topic) => {
    const requestId = randomUUID();
    await raw.publish(topic, { requestId, function: 'counter', revision: 99, state: 'offline' });
    await expect(failure(raw, requestId)).resolves.toMatchObject({ code: 'FORBIDDEN_TOPIC' });
  });

  it.each([
    'edge/sensor-2/reply/+',
    'edge/+/reply/+',
    'edge/+/ask/+',
    'edge/sensor-2/ask/invoke',
    'edge/#',
    '#',
    '+/+/+/+',
    '$SYS/#',
    '$refused',
  ])('a subscription to %s is refused', async (filter) => {
    await expect(subscriptionCode(raw, filter)).resolves.toBe(0x80);
  });

  it('tells whoever subscribed in vain nothing of what others say', async () => {
    const requestId = randomUUID();
    raw.received.length = 0;
    await neighbour.ask('invoke', { requestId, function: 'counter', input: 'secret' });
    await inTime(neighbour.reply('result', requestId));
    await count();
    expect(raw.received.filter(({ topic }) => !topic.startsWith('edge/sensor-1/'))).toEqual([]);
  });

  it('reached no other device', () => {
    expect(neighbour.received.filter(({ topic }) => topic === 'edge/neighbour/reply/ready')).toEqual([]);
    const statuses = neighbour.received.filter(({ topic }) => topic === 'edge/status');
    expect(statuses.length).toBeGreaterThan(0);
    for (const { message } of statuses)
      expect(message).toMatchObject({ edge: 'edge-demo-dev-workshop-core' });
  });
});

describe('a retained message', () => {
  it('is served once and kept for nobody', async () => {
    const before = await count();
    const message = json({ requestId: 'retained', function: 'counter' });
    await raw.client.publishAsync(ask('invoke'), message, { qos: 1, retain: true });
    await inTime(raw.reply('result', 'retained'));
    raw.received.length = 0;
    await raw.client.subscribeAsync('edge/sensor-1/reply/+');
    await expect(count()).resolves.toBe(before + 2);
    expect(raw.received).toHaveLength(1);
  });

  it('cannot stand in for the edge’s status', async () => {
    const offline = json({ state: 'offline', revision: 99, edge: 'nobody' });
    await raw.client.publishAsync('edge/status', offline, { qos: 1, retain: true });
    await expect(failure(raw, undefined)).resolves.toMatchObject({ code: 'FORBIDDEN_TOPIC' });
    await raw.client.subscribeAsync('edge/status');
    const { message } = await inTime(raw.next(({ topic }) => topic === 'edge/status'));
    expect(message).toMatchObject({ edge: 'edge-demo-dev-workshop-core', state: 'ready' });
    await raw.client.unsubscribeAsync('edge/status');
  });
});

describe('a repeated request id', () => {
  it('is answered from memory, and the function runs once', async () => {
    const before = await count();
    const message = { requestId: 'again', function: 'counter' };
    await Promise.all([1, 2, 3].map(() => raw.ask('invoke', message)));
    const { output } = await inTime(raw.reply('result', 'again'));
    raw.received.length = 0;
    await raw.ask('invoke', message);
    await expect(inTime(raw.reply('result', 'again'))).resolves.toMatchObject({ output });
    expect(output).toMatchObject({ calls: before + 1 });
    await expect(count()).resolves.toBe(before + 2);
  });

  it('runs an asynchronous call once', async () => {
    const before = await count();
    for (let copy = 0; copy < 3; copy++) {
      await raw.publish('edge/sensor-1/call/counter', { requestId: 'again', input: copy });
    }
    await expect(count()).resolves.toBe(before + 2);
  });

  it('of another device is a request of its own', async () => {
    const before = await count();
    for (const device of [raw, neighbour]) {
      await device.ask('invoke', { requestId: 'the-same', function: 'counter' });
      await inTime(device.reply('result', 'the-same'));
    }
    await expect(count()).resolves.toBe(before + 3);
  });

  it('after a reconnect is answered from memory too', async () => {
    const before = await count();
    await raw.ask('invoke', { requestId: 'kept', function: 'counter' });
    const { output } = await inTime(raw.reply('result', 'kept'));
    await raw.end();
    raw = await openRaw(edge, await environment.deviceCredentials('sensor-1'));
    await raw.ask('invoke', { requestId: 'kept', function: 'counter' });
    await expect(inTime(raw.reply('result', 'kept'))).resolves.toMatchObject({ output });
    await expect(count()).resolves.toBe(before + 2);
  });
});

describe('who may not connect', () => {
  const refused = (code: number) => expect.objectContaining({ code }) as Error;

  it('a certificate that nobody knows', async () => {
    const files = await environment.deviceCredentials('sensor-1');
    const credentials = await selfSigned('sensor-1');
    await expect(inTime(connectRaw(edge, files, { credentials }))).rejects.toEqual(refused(NOT_AUTHORISED));
  });

  it('a certificate of the right authority that was never registered', async () => {
    const files = await environment.deviceCredentials('sensor-1');
    const issued = await environment.cloud.authority.issueClient({ commonName: 'sensor-1' });
    const credentials = { certificate: issued.certificatePem, privateKey: issued.privateKeyPem };
    await expect(inTime(connectRaw(edge, files, { credentials }))).rejects.toEqual(refused(NOT_AUTHORISED));
  });

  it('no certificate at all', async () => {
    const files = await environment.deviceCredentials('sensor-1');
    const without = { cert: undefined, key: undefined } as never;
    await expect(inTime(connectRaw(edge, files, without))).rejects.toEqual(refused(NOT_AUTHORISED));
  });

  it.each([['expired', -2, -1] as const, ['not valid yet', 1, 2] as const])(
    'a certificate that is %s, though the group lists it',
    async (reason, from, to) => {
      const day = 86_400_000;
      const issued = await environment.cloud.authority.issueClient({
        commonName: 'dated',
        notBefore: new Date(Date.now() + from * day),
        notAfter: new Date(Date.now() + to * day),
      });
      await changeGroup(environment, edge, ({ devices }) => ({
        devices: {
          dated: {
            certificateId: issued.certificateId,
            source: 'operator',
            seq: (devices['dated']?.seq ?? 0) + 1,
          },
        },
      }));
      const { ca, certificate, privateKey } = await environment.deviceCredentials('sensor-1');
      const credentials = { certificate: issued.certificatePem, privateKey: issued.privateKeyPem };
      const connecting = connectRaw(
        edge,
        { thingName: 'dated', ca, certificate, privateKey },
        { credentials },
      );
      await expect(inTime(connecting)).rejects.toEqual(refused(NOT_AUTHORISED));
      await log.waitFor({ clientId: 'dated', code: 'UNKNOWN_DEVICE', reason: new RegExp(reason) });
    },
  );

  it('the right certificate under another device’s name', async () => {
    const files = await environment.deviceCredentials('sensor-1');
    const connecting = connectRaw(edge, { ...files, thingName: 'sensor-2' });
    await expect(inTime(connecting)).rejects.toEqual(refused(IDENTIFIER_REJECTED));
  });

  it('a device that was revoked: its connection is closed and it cannot come back', async () => {
    const files = await environment.addDevice('dismissed', GROUP);
    await environment.registerFunction('keepsake', COUNTER);
    const device = await environment.connectDevice('dismissed');
    await device.deploy('keepsake');
    await device.close();
    const own = await openRaw(edge, files);
    const closed = own.closed();
    const { devices } = await changeGroup(environment, edge, (current) => ({
      devices: {
        dismissed: {
          certificateId: files.certificateId,
          source: 'operator',
          revoked: true,
          seq: (current.devices['dismissed']?.seq ?? 0) + 1,
        },
      },
    }));
    expect(devices['dismissed']).toMatchObject({ revoked: true });
    await inTime(closed);
    await expect(inTime(connectRaw(edge, files))).rejects.toEqual(refused(NOT_AUTHORISED));
    await log.waitFor({ msg: 'connection refused', clientId: 'dismissed', code: 'DEVICE_REVOKED' });
    await expect(environment.connectDevice('dismissed')).rejects.toMatchObject({ code: 'UNKNOWN_DEVICE' });
    // What only it had wanted is gone.
    await raw.ask('invoke', { requestId: 'keepsake', function: 'keepsake' });
    await expect(failure(raw, 'keepsake')).resolves.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
  });
});

describe('all the while', () => {
  it('the other device noticed nothing', async () => {
    await expect(bystander.stop()).resolves.toBeGreaterThan(10);
    expect(neighbour.client.connected).toBe(true);
  });

  it('nothing was left half done', async () => {
    const { claims } = await definitionOf(environment);
    expect(Object.keys(claims).sort()).toEqual(['dismissed/keepsake', 'sensor-2/counter']);
  });

  it('the edge reported no fault of its own', () => {
    expect(log.faults()).toEqual([]);
  });
});

/** What the broker granted: 0x80 is a refusal. */
function subscriptionCode(device: MqttDevice, filter: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    device.client.subscribe(filter, { qos: 0 }, (error, granted, packet) => {
      const code = (packet as { granted?: number[] } | undefined)?.granted?.[0] ?? granted?.[0]?.qos;
      if (code === undefined) reject(error ?? new Error('no answer'));
      else resolve(code);
    });
  });
}
