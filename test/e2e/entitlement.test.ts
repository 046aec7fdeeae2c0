import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { DeviceProcess, Edge } from '../../local';
import { claimKey } from '../../protocol';
import type { MqttDevice } from '../edge/support/mqttDevice';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { LogLines } from '../support/logLines';
import { changeGroup, definitionOf, runsRevision } from '../support/operatorChange';
import { packageTemplate, type PackagedService } from '../support/packaged';
import { processTree, survivors } from '../support/processTree';
import { openRaw } from '../support/rawDevice';
import { keepCalling, type SteadyCaller } from '../support/steadyCaller';

/** Who may use what, and where: two edges of one service, devices of both and one that moves. */
const WHO = 'exports.handler = async (event) => ({ pid: process.pid, event });';
const YARD = 'yard';

let service: PackagedService;
let environment: TestEnvironment;
let edge: Edge;
/** Not entitled to calibrateSensor. */
let sensor: MqttDevice;
let technician: DeviceProcess;
let bystander: SteadyCaller;
const log = new LogLines();

beforeAll(async () => {
  service = await packageTemplate((yaml) =>
    yaml.replace(
      '  groups:\n',
      `  groups:\n    ${YARD}:\n      core: yard-core\n      devices: [sensor-3]\n`,
    ),
  );
  environment = await startTestEnvironment({ serviceDir: service.serviceDir, packageDir: service.directory });
  edge = await environment.startEdge(GROUP, { onLine: (line) => log.write(line) });
  await Promise.all([
    environment.addDevice('technician-1', GROUP),
    environment.registerFunction('edgeOnly', WHO),
    environment.registerFunction('shared', WHO),
  ]);
  const sensor2 = await environment.connectDevice('sensor-2');
  bystander = keepCalling(sensor2, 'smoothSignal', { samples: [1, 2, 3] });
  technician = await environment.connectDevice('technician-1');
  sensor = await openRaw(edge, await environment.deviceCredentials('sensor-1'));
});

afterAll(async () => {
  await environment?.close();
  if (service !== undefined) await rm(service.serviceDir, { recursive: true, force: true });
});

/** The last answer to one message: an error or what came instead. */
async function outcome(device: MqttDevice, topic: string, message: object): Promise<Record<string, unknown>> {
  const requestId = randomUUID();
  await device.publish(`edge/${device.name}/${topic}`, { requestId, ...message });
  const { message: answer } = await device.next(
    (received) => received.message['requestId'] === requestId && !received.topic.endsWith('/progress'),
  );
  return (answer['error'] as Record<string, unknown> | undefined) ?? answer;
}

const claimOf = async (device: string, name: string, group = GROUP) =>
  (await definitionOf(environment, group)).claims[claimKey(device, name)];

/** The revision that shows the claim, on the edge. */
async function claimed(device: string, name: string, live: boolean): Promise<void> {
  const key = claimKey(device, name);
  const { revision } = await environment.operator.waitForDefinition(
    environment.outputs.stateBucket,
    GROUP,
    ({ claims }) => claims[key] !== undefined && (claims[key].released !== true) === live,
  );
  await runsRevision(edge, revision);
}

describe('a device that may not use a function', () => {
  const ways: [string, string, object][] = [
    ['a request', 'ask/request', { function: 'calibrateSensor' }],
    ['a prefetch', 'ask/prefetch', { function: 'calibrateSensor' }],
    ['a call in the cloud', 'ask/invoke', { function: 'calibrateSensor', location: 'cloud' }],
    ['a call anywhere', 'ask/invoke', { function: 'calibrateSensor', location: 'any' }],
  ];

  it.each(ways)('is refused %s', async (_what, topic, message) => {
    await expect(outcome(sensor, topic, message)).resolves.toMatchObject({ code: 'NOT_ENTITLED' });
  });

  describe('when another device has brought it to the edge', () => {
    beforeAll(async () => {
      await technician.deploy('calibrateSensor');
    });

    it.each([
      ...ways,
      ['a synchronous call', 'ask/invoke', { function: 'calibrateSensor' }] as const,
      ['an asynchronous call', 'call/calibrateSensor', {}] as const,
    ])('is refused %s', async (_what, topic, message) => {
      await expect(outcome(sensor, topic, message)).resolves.toMatchObject({ code: 'NOT_ENTITLED' });
    });

    it('has no claim, and the other one goes on', async () => {
      await claimed('technician-1', 'calibrateSensor', true);
      await expect(claimOf('sensor-1', 'calibrateSensor')).resolves.toBeUndefined();
      const points = { low: { raw: 0, reference: 1 }, high: { raw: 10, reference: 21 } };
      await expect(technician.invoke('calibrateSensor', points)).resolves.toEqual({ gain: 2, offset: 1 });
    });
  });
});

describe('a function that does not run everywhere', () => {
  it.each([
    ['only in the cloud: a request', 'ask/request', { function: 'trainModel' }, ['cloud']],
    ['only in the cloud: a prefetch', 'ask/prefetch', { function: 'trainModel' }, ['cloud']],
    [
      'only on edges: a call in the cloud',
      'ask/invoke',
      { function: 'edgeOnly', location: 'cloud' },
      ['edge'],
    ],
  ])('%s is LOCATION_NOT_ALLOWED', async (_what, topic, message, locations) => {
    const error = await outcome(sensor, topic, message);
    expect(error).toMatchObject({ code: 'LOCATION_NOT_ALLOWED', details: { locations } });
  });

  it('only in the cloud: a call on the edge is FUNCTION_NOT_DEPLOYED, anywhere it is served', async () => {
    const call = { function: 'trainModel', input: { samples: [1, 2, 3, 4] } };
    await expect(outcome(sensor, 'ask/invoke', call)).resolves.toMatchObject({
      code: 'FUNCTION_NOT_DEPLOYED',
    });
    const anywhere = { ...call, location: 'any' };
    await expect(outcome(sensor, 'ask/invoke', anywhere)).resolves.toMatchObject({ location: 'cloud' });
  });

  it('only on edges: also once it is on this edge', async () => {
    await technician.deploy('edgeOnly');
    const inCloud = { function: 'edgeOnly', location: 'cloud' };
    await expect(outcome(sensor, 'ask/invoke', inCloud)).resolves.toMatchObject({
      code: 'LOCATION_NOT_ALLOWED',
    });
    const anywhere = { function: 'edgeOnly', location: 'any' };
    await expect(outcome(sensor, 'ask/invoke', anywhere)).resolves.toMatchObject({ location: 'edge' });
  });
});

describe('the operator changes who may use a function', () => {
  const entitle = (name: string, devices: string[]) =>
    changeGroup(environment, edge, ({ entitlements }) => ({
      entitlements: { [name]: { devices, seq: (entitlements[name]?.seq ?? 0) + 1 } },
    }));
  const code = async (device: MqttDevice, topic: string, message: object) =>
    (await outcome(device, topic, message))['code'];
  const call = { function: 'smoothSignal', input: { samples: [1, 2, 3] } };

  it('who may no longer is refused from then on, in every way', async () => {
    await expect(code(sensor, 'ask/invoke', call)).resolves.toBeUndefined();
    await entitle('smoothSignal', ['sensor-2', 'technician-*']);
    const { input } = call;
    const cloud = { ...call, location: 'cloud' };
    await expect(code(sensor, 'ask/invoke', call)).resolves.toBe('NOT_ENTITLED');
    await expect(code(sensor, 'ask/invoke', cloud)).resolves.toBe('NOT_ENTITLED');
    await expect(code(sensor, 'call/smoothSignal', { input })).resolves.toBe('NOT_ENTITLED');
    await expect(code(sensor, 'ask/request', { function: 'smoothSignal' })).resolves.toBe('NOT_ENTITLED');
    await bystander.proceeds();
  });

  it('and may again when that is taken back', async () => {
    await entitle('smoothSignal', ['*']);
    await expect(outcome(sensor, 'ask/invoke', call)).resolves.toMatchObject({ location: 'edge' });
  });

  it('who may now gets it', async () => {
    await entitle('calibrateSensor', ['technician-*', 'sensor-1']);
    const request = { function: 'calibrateSensor' };
    await expect(outcome(sensor, 'ask/request', request)).resolves.toMatchObject({ present: true });
    await claimed('sensor-1', 'calibrateSensor', true);
  });
});

describe('a function that two devices share', () => {
  let pid: number;

  it('is kept for one when the other releases it', async () => {
    await technician.deploy('shared');
    await expect(outcome(sensor, 'ask/request', { function: 'shared' })).resolves.toMatchObject({
      present: true,
    });
    await claimed('technician-1', 'shared', true);
    await claimed('sensor-1', 'shared', true);
    pid = ((await technician.invoke('shared')) as { pid: number }).pid;
    await technician.release('shared');
    await claimed('technician-1', 'shared', false);
    const answer = await outcome(sensor, 'ask/invoke', { function: 'shared', input: 1 });
    expect(answer).toMatchObject({ output: { pid, event: 1 } });
  });

  it('stops when the last one releases it', async () => {
    const tree = await processTree(pid);
    expect(tree).toHaveLength(1);
    const release = { function: 'shared' };
    await expect(outcome(sensor, 'ask/release', release)).resolves.toMatchObject({ function: 'shared' });
    await claimed('sensor-1', 'shared', false);
    const error = await outcome(sensor, 'ask/invoke', { function: 'shared' });
    expect(error).toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
    const { functions } = await definitionOf(environment);
    expect(Object.keys(functions)).not.toContain('shared@1.0.0');
    await expect(survivors(tree)).resolves.toEqual([]);
  });

  it('comes back when one asks again', async () => {
    await technician.deploy('shared');
    const { pid: now } = (await technician.invoke('shared')) as { pid: number };
    expect(now).not.toBe(pid);
  });
});

describe('a device that moves here', () => {
  it('which no group knew is admitted, added to the group once, and gets a function', async () => {
    const files = await environment.addDevice('wanderer');
    expect((await definitionOf(environment)).devices['wanderer']).toBeUndefined();
    const device = await openRaw(edge, files);
    await expectServed(device, 'detectAnomaly');
    const { devices } = await definitionOf(environment);
    const entry = { certificateId: files.certificateId, source: 'core' };
    expect(devices['wanderer']).toMatchObject(entry);
    await device.end();
    const again = await openRaw(edge, files);
    await expectServed(again, 'detectAnomaly');
    expect((await definitionOf(environment)).devices['wanderer']).toEqual(devices['wanderer']);
  });

  it('from another edge is served by both', async () => {
    const yard = await environment.startEdge(YARD);
    const files = await environment.deviceCredentials('sensor-3');
    const there = await openRaw(yard, files);
    await expectServed(there, 'shared');
    await there.end();
    const here = await openRaw(edge, files);
    await expectServed(here, 'edgeOnly');
    await claimed('sensor-3', 'edgeOnly', true);
    const definition = await definitionOf(environment);
    expect(definition.devices['sensor-3']).toMatchObject({ source: 'core' });
    await expect(claimOf('sensor-3', 'shared', YARD)).resolves.toMatchObject({ version: '1.0.0' });
    await expect(claimOf('sensor-3', 'edgeOnly', YARD)).resolves.toBeUndefined();
  });

  it('is not admitted when nobody issued its certificate to it alone', async () => {
    const { certificate, privateKey, ca } = await environment.deviceCredentials('sensor-1');
    const posing = openRaw(edge, { thingName: 'wanderer', certificate, privateKey, ca });
    await expect(posing).rejects.toMatchObject({ code: 2 });
  });
});

describe('all the while', () => {
  it('the other device noticed nothing, and the edge reported no fault', async () => {
    await expect(bystander.stop()).resolves.toBeGreaterThan(10);
    expect(log.faults()).toEqual([]);
  });
});

/** Stages I and II over bare messages, then a call. */
async function expectServed(device: MqttDevice, name: string): Promise<void> {
  const requestId = randomUUID();
  await device.ask('request', { requestId, function: name });
  const first = await device.next(
    ({ topic, message }) => message['requestId'] === requestId && !topic.endsWith('/progress'),
  );
  expect(first.topic).toMatch(/\/(available|ready)$/);
  if (first.topic.endsWith('/available')) {
    await device.ask('confirm', { requestId });
    const last = await device.next(
      ({ topic, message }) => message['requestId'] === requestId && /\/(ready|failed)$/.test(topic),
    );
    expect(last).toMatchObject({ topic: `edge/${device.name}/reply/ready` });
  }
  const input = { samples: [1, 1, 1, 1] };
  await expect(outcome(device, 'ask/invoke', { function: name, input })).resolves.toMatchObject({
    location: 'edge',
  });
}
