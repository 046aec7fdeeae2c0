import { randomUUID } from 'node:crypto';
import type { Edge } from '../../local';
import { claimedVersion, REQUEST_PREFIX, type StoredUpdate } from '../../protocol';
import type { MqttDevice } from '../edge/support/mqttDevice';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { cloudState, type CloudState } from '../support/cloudState';
import { definitionOf, runsRevision } from '../support/operatorChange';
import { openRaw } from '../support/rawDevice';
import { keepCalling } from '../support/steadyCaller';
import { until } from '../support/until';

/** Many devices, or many functions, at once: the cloud hears of it a few times. */
const ECHO = 'exports.handler = async (event) => event;';
const DEVICES = 20;
const FUNCTIONS = 10;

let environment: TestEnvironment;
let state: CloudState;
let edge: Edge;
let devices: MqttDevice[];
const invoked: string[] = [];
const exchanges: string[] = [];
let onExchange: () => void = () => undefined;

beforeAll(async () => {
  environment = await startTestEnvironment({
    onInvocation: ({ functionName }) => invoked.push(functionName),
  });
  state = cloudState(environment);
  edge = await environment.startEdge(GROUP, {
    onEvent({ event, exchange }) {
      if (event !== 'exchange') return;
      exchanges.push((exchange as { what: string }).what);
      onExchange();
    },
  });
  const added = await Promise.all(
    Array.from({ length: DEVICES }, (_, n) => environment.addDevice(`burst-${n}`, GROUP)),
  );
  // The edge looks up no more than a few certificates at a time that its definition does not list.
  await runsRevision(edge, (await definitionOf(environment)).revision);
  devices = await Promise.all(added.map((device) => openRaw(edge, device)));
});

afterAll(async () => {
  state?.close();
  await environment?.close();
});

beforeEach(() => {
  invoked.length = 0;
  exchanges.length = 0;
});

/** Resolves when the core has told of so many exchanges like that. */
async function exchanged(what: RegExp, count: number): Promise<void> {
  const seen = () => exchanges.filter((each) => what.test(each)).length;
  await new Promise<void>((resolve) => {
    onExchange = () => seen() >= count && resolve();
    onExchange();
  });
}

/** Resolves when the cloud has stored so many claims that no definition has absorbed. */
async function storedClaims(count: number): Promise<void> {
  const { stateBucket } = environment.outputs;
  await until(`${count} stored claims`, async () => {
    const objects = await state.objects(stateBucket, REQUEST_PREFIX);
    const updates = await Promise.all(
      objects.map(async (object) => {
        const body = await environment.cloud.services.s3.getObject(stateBucket, object.split(' ')[0] ?? '');
        return JSON.parse(body.toString()) as StoredUpdate;
      }),
    );
    const claims = new Set(updates.flatMap((update) => Object.keys(update.claims)));
    return claims.size >= count ? true : undefined;
  });
}

/**
 * Runs `act`, which makes so many claims, while the cloud is too busy to deploy (Lambda throttles `performDeployment`), lets it go
 * on, and resolves with how many deployments that made.
 */
async function deploymentsAfter(claims: number, act: () => Promise<unknown>): Promise<number> {
  const { lambda } = environment.cloud.services;
  const stack = environment.outputs.corePrefix.split('/').at(-1) ?? '';
  const throttle = (ReservedConcurrentExecutions: number) =>
    lambda.updateFunction(`${stack}-performDeployment`, { ReservedConcurrentExecutions });
  const { revision: before } = await definitionOf(environment);
  await throttle(0);
  await act();
  await storedClaims(claims);
  await throttle(10);
  const { stateBucket } = environment.outputs;
  const { revision } = await environment.operator.waitForDefinition(
    stateBucket,
    GROUP,
    (definition) => definition.revision > before,
  );
  await runsRevision(edge, revision);
  await environment.cloud.idle();
  return (await definitionOf(environment)).revision - before;
}

function countOf(systemFunction: string): number {
  return invoked.filter((name) => name.endsWith(`-${systemFunction}`)).length;
}

it('one function for many devices: one validation, one deployment, all ready', async () => {
  await environment.registerFunction('popular', ECHO, { version: '1.0.0', instances: 4 });
  const ids = devices.map(() => randomUUID());
  const each = <T>(act: (device: MqttDevice, requestId: string) => Promise<T>): Promise<T[]> =>
    Promise.all(devices.map((device, n) => act(device, ids[n] as string)));

  // Nothing comes back before everybody has asked.
  environment.uplink.http.silence();
  await each((device, requestId) => device.ask('request', { requestId, function: 'popular' }));
  await exchanged(/^request popular/, DEVICES);
  environment.uplink.http.mend();
  await each((device, requestId) => device.reply('available', requestId));
  expect(countOf('validateFunction')).toBe(1);

  const deployments = await deploymentsAfter(DEVICES, async () => {
    await each((device, requestId) => device.ask('confirm', { requestId }));
    // What is stored is in force: no device waits for the deployment.
    await each((device, requestId) => device.reply('ready', requestId));
  });
  expect(deployments).toBe(1);
  const definition = await definitionOf(environment);
  expect(exchanges.filter((what) => /^download/.test(what))).toHaveLength(1);
  for (const { name } of devices) expect(claimedVersion(definition, name, 'popular')).toBe('1.0.0');
  await each(async (device) => {
    const requestId = randomUUID();
    await device.ask('invoke', { requestId, function: 'popular', input: device.name });
    await expect(device.reply('result', requestId)).resolves.toMatchObject({ output: device.name });
  });
});

it('many functions for one device: one deployment, all ready, nobody else disturbed', async () => {
  const [device, other] = await Promise.all([
    environment.connectDevice('sensor-1'),
    environment.connectDevice('sensor-2'),
  ]);
  const names = Array.from({ length: FUNCTIONS }, (_, n) => `many${n}`);
  await Promise.all(names.map((name) => environment.registerFunction(name, ECHO, { memory: 64 })));
  await other.deploy('smoothSignal');
  await environment.cloud.idle();
  const steady = keepCalling(other, 'smoothSignal', { samples: [1, 2, 3] });
  const deployments = await deploymentsAfter(FUNCTIONS, () =>
    Promise.all(names.map((name) => device.deploy(name))),
  );
  expect(deployments).toBe(1);
  const definition = await definitionOf(environment);
  for (const name of names) {
    expect(claimedVersion(definition, 'sensor-1', name)).toBeDefined();
    await expect(device.invoke(name, { name })).resolves.toEqual({ name });
  }
  await steady.proceeds();
  await steady.stop();
});

it('releases at once are one deployment, too, and stop what nobody wants', async () => {
  const deployments = await deploymentsAfter(DEVICES, () =>
    Promise.all(
      devices.map(async (device) => {
        const requestId = randomUUID();
        await device.ask('release', { requestId, function: 'popular' });
        await device.reply('released', requestId);
      }),
    ),
  );
  expect(deployments).toBe(1);
  const [device] = devices;
  const requestId = randomUUID();
  await device?.ask('invoke', { requestId, function: 'popular' });
  await expect(device?.reply('failed', requestId)).resolves.toMatchObject({
    error: { code: 'FUNCTION_NOT_DEPLOYED' },
  });
});
