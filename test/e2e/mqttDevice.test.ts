import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Edge, ProcessEvent } from '../../local';
import { startProcess } from '../../local';
import { EdgeError } from '../../protocol';
import type { MqttDevice } from '../edge/support/mqttDevice';
import { MessageChecker, type Travelled } from '../support/asyncApi';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { definitionOf } from '../support/operatorChange';
import { root } from '../support/packaged';
import { openRaw } from '../support/rawDevice';

/**
 * Another MQTT client plays a device from docs/asyncapi.json alone (examples/mqtt-device, on MQTT.js),
 * and what travelled is what the document says.
 */
const PROGRAM = path.join(root, 'examples', 'mqtt-device', 'device.mjs');

let environment: TestEnvironment;
let edge: Edge;
let document: MessageChecker;

beforeAll(async () => {
  document = await MessageChecker.fromDocument();
  environment = await startTestEnvironment();
  edge = await environment.startEdge(GROUP);
});
afterAll(() => environment?.close());

interface Run {
  code: number | null;
  events: readonly ProcessEvent[];
  travelled: Travelled[];
}

/** The program as its README says, to its end. */
async function run(thing: string, options: Record<string, string>): Promise<Run> {
  const { thingName, certificate, privateKey, ca } = await environment.deviceCredentials(thing);
  const given = {
    host: 'localhost',
    port: String(edge.port),
    cert: certificate,
    key: privateKey,
    ca,
    thing: thingName,
    ...options,
  };
  const args = Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]);
  const program = startProcess({ name: 'MQTT device', script: PROGRAM, args });
  const { code } = await program.exited;
  const { events } = program;
  return { code, events, travelled: events.flatMap(asTravelled) };
}

function asTravelled({ event, topic, message }: ProcessEvent): Travelled[] {
  if (event !== 'sent' && event !== 'received') return [];
  return [{ direction: event, topic: topic as string, message }];
}

const kindsOf = (travelled: readonly Travelled[]) =>
  travelled.map(({ direction, topic }) => `${direction} ${topic.replace('edge/sensor-1/', '')}`);

describe('a device on MQTT.js alone', () => {
  it('has a function brought to the edge and calls it, as the document says', async () => {
    const input = { samples: [20, 20.1, 19.9, 20, 20.2, 35, 20, 19.8, 20.1] };
    const options = { function: 'detectAnomaly', version: '^1', input: JSON.stringify(input) };
    const { code, events, travelled } = await run('sensor-1', options);
    expect(events.at(-1)).toMatchObject({
      event: 'done',
      output: { anomalies: [{ index: 5, value: 35 }] },
    });
    expect(code).toBe(0);
    for (const message of travelled) document.check(message);
    const withoutProgress = kindsOf(travelled).filter((kind) => kind !== 'received reply/progress');
    expect(withoutProgress).toEqual([
      'sent ask/join',
      'received reply/joined',
      'sent ask/request',
      'received reply/available',
      'sent ask/confirm',
      'received reply/ready',
      'sent ask/invoke',
      'received reply/result',
      'sent call/detectAnomaly',
    ]);
    await environment.operator.waitForDefinition(
      environment.outputs.stateBucket,
      GROUP,
      ({ claims }) => claims['sensor-1/detectAnomaly']?.version === '1.2.0',
    );
  });

  it('calls a function that is there without a deployment', async () => {
    const { revision } = await definitionOf(environment);
    const options = { function: 'smoothSignal', input: '{"samples":[1,9,2]}' };
    const { code, travelled } = await run('sensor-1', options);
    expect(code).toBe(0);
    for (const message of travelled) document.check(message);
    expect(kindsOf(travelled)).not.toContain('sent ask/confirm');
    await expect(definitionOf(environment)).resolves.toMatchObject({ revision });
  });

  it.each([
    ['does not exist', 'readTheFuture', 'FUNCTION_NOT_FOUND'],
    ['it may not use', 'calibrateSensor', 'NOT_ENTITLED'],
    ['throws', 'detectAnomaly', 'FUNCTION_ERROR'],
  ])('ends with the code of a function that %s', async (_what, name, code) => {
    const result = await run('sensor-1', { function: name, input: '{}' });
    expect(result.events.at(-1)).toMatchObject({ event: 'failed', code });
    expect(result.code).toBe(1);
    for (const message of result.travelled) document.check(message);
  });
});

describe('the document', () => {
  let device: MqttDevice;

  beforeAll(async () => {
    device = await openRaw(edge, await environment.deviceCredentials('sensor-2'));
    await device.client.subscribeAsync('edge/status');
    await device.client.subscribeAsync('edge/shared/#');
    const telling = `exports.handler = async (event, { edge }) => {
      await edge.publish('passed', event);
      return event;
    };`;
    await environment.registerFunction('passing', telling, { publishes: ['passed'] });
  });

  /** Sends what the document allows, and checks both ways. */
  async function exchange(rest: string, fields: object, last: string): Promise<void> {
    const message = { requestId: randomUUID(), ...fields };
    const topic = `edge/sensor-2/${rest}`;
    document.check({ direction: 'sent', topic, message });
    await device.publish(topic, message);
    await device.reply(last, message.requestId);
  }

  it('tells of every channel between device and edge, and truly', async () => {
    const input = { any: ['JSON', 1, null, true] };
    await device.next(({ topic }) => topic === 'edge/status');
    await exchange('ask/join', { client: { name: 'by hand', version: '1' } }, 'joined');
    await exchange('ask/prefetch', { function: 'passing' }, 'prefetched');
    const requestId = randomUUID();
    await exchange('ask/request', { requestId, function: 'passing', version: '1.x' }, 'available');
    await exchange('ask/confirm', { requestId }, 'ready');
    await exchange('ask/invoke', { function: 'passing', input, timeoutMs: 1_000 }, 'result');
    await exchange('ask/invoke', { function: 'passing', location: 'any' }, 'result');
    await exchange('call/nowhere', { version: '1.0.0', input }, 'failed');
    await device.next(({ topic }) => topic === 'edge/shared/passed');
    await exchange('ask/release', { function: 'passing' }, 'released');
    for (const { topic, message } of device.received)
      document.check({ direction: 'received', topic, message });
    const between = [...document.used].filter((id) => !id.startsWith('core.'));
    expect(between.sort()).toEqual(DEVICE_CHANNELS);
  });

  it('allows nothing that the edge refuses for its form, nor the other way round', async () => {
    for (const [rest, fields] of WRONG) {
      const message = { requestId: randomUUID(), ...fields };
      const topic = `edge/sensor-2/${rest}`;
      expect(() => document.check({ direction: 'sent', topic, message })).toThrow(/breaks the document/);
      await device.publish(topic, message);
      const { error } = await device.reply('failed', message.requestId);
      expect(EdgeError.fromJSON(error as never)).toMatchObject({ code: 'BAD_REQUEST' });
    }
  });

  it('is told apart from what it does not say', () => {
    const message = { requestId: 'r', function: 'passing' };
    const wayBack: Travelled = { direction: 'received', topic: 'edge/sensor-2/ask/request', message };
    expect(() => document.check(wayBack)).toThrow(/0 channels/);
    const unknown: Travelled = { direction: 'sent', topic: 'edge/sensor-2/ask/destroy', message };
    expect(() => document.check(unknown)).toThrow(/0 channels/);
  });
});

const DEVICE_CHANNELS = [
  'ask.confirm',
  'ask.invoke',
  'ask.join',
  'ask.prefetch',
  'ask.release',
  'ask.request',
  'call',
  'reply.available',
  'reply.failed',
  'reply.joined',
  'reply.prefetched',
  'reply.progress',
  'reply.ready',
  'reply.released',
  'reply.result',
  'shared',
  'status',
];

/** Refused by the edge for their form; what a version range may be, the document says in words. */
const WRONG: [rest: string, fields: object][] = [
  ['ask/request', {}],
  ['ask/request', { function: 42 }],
  ['ask/request', { function: '../x' }],
  ['ask/request', { function: 'constructor' }],
  ['ask/request', { function: 'passing', version: '' }],
  ['ask/request', { function: 'passing', more: true }],
  ['ask/invoke', { function: 'passing', location: 'moon' }],
  ['ask/invoke', { function: 'passing', timeoutMs: 0 }],
  ['ask/join', { client: { name: 'nameless' } }],
  ['call/passing', { function: 'passing' }],
];
