import { randomBytes, randomUUID } from 'node:crypto';
import { type DeviceProcess, type Edge, functionPackage } from '../../local';
import { latestStatus } from '../../operations/inspection/overview';
import { claimedVersion, claimKey, type FunctionManifest } from '../../protocol';
import type { MqttDevice } from '../edge/support/mqttDevice';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { changeGroup, definitionOf, runsRevision } from '../support/operatorChange';
import { openRaw } from '../support/rawDevice';
import { keepCalling, type SteadyCaller } from '../support/steadyCaller';
import { until } from '../support/until';

/** The cloud goes away at each step of the flow, at the wire, and comes back. */
const ECHO = 'exports.handler = async (event) => event;';
const CORE = 'edge-demo-dev-workshop-core';
const RAW = 'probe';
/** The edge's own limits (5 s without a connection, 10 s without an answer), and a slow machine. */
const BOUND_MS = 60_000;

let environment: TestEnvironment;
let uplink: TestEnvironment['uplink'];
let edge: Edge;
let device: DeviceProcess;
/** Decides itself when it confirms. */
let raw: MqttDevice;
let steady: SteadyCaller;
const faults: NonNullable<Parameters<typeof startTestEnvironment>[0]>['faults'] = {};
/** The edge's updates that have left it. */
const updatesSent: string[] = [];
let onUpdateSent: () => void = () => undefined;

beforeAll(async () => {
  environment = await startTestEnvironment({ faults });
  uplink = environment.uplink;
  edge = await environment.startEdge(GROUP, {
    onEvent: ({ event, exchange }) => {
      const what = event === 'exchange' ? (exchange as { what: string }).what : '';
      if (!what.startsWith('definition update')) return;
      updatesSent.push(what);
      onUpdateSent();
    },
  });
  const files = await environment.addDevice(RAW, GROUP);
  const [first, other, probe] = await Promise.all([
    environment.connectDevice('sensor-1'),
    environment.connectDevice('sensor-2'),
    openRaw(edge, files),
  ]);
  [device, raw] = [first, probe];
  await other.deploy('smoothSignal');
  steady = keepCalling(other, 'smoothSignal', { samples: [1, 2, 3] });
});

/** The other device noticed nothing of all this. */
afterAll(async () => {
  await steady?.stop();
  await environment?.close();
});

beforeEach(() => {
  raw.received.length = 0;
});

afterEach(async () => {
  for (const channel of Object.keys(faults)) delete faults[channel as keyof typeof faults];
  await mend();
  await steady.proceeds();
});

/** The first that needs the cloud again is served at once, however long the edge was cut off. */
async function mend(): Promise<void> {
  uplink.mend();
  const model = await device.invoke('trainModel', { samples: [1, 2] }, { location: 'cloud' });
  expect(model).toMatchObject({ samples: 2 });
}

function updateSent(): Promise<void> {
  return new Promise((resolve) => (onUpdateSent = resolve));
}

async function offered(name: string): Promise<string> {
  const requestId = randomUUID();
  await raw.ask('request', { requestId, function: name });
  await raw.reply('available', requestId);
  return requestId;
}

/** The code of the failure, and how long the edge took for it. */
async function failure(requestId: string): Promise<{ code: unknown; ms: number }> {
  const started = performance.now();
  const { error } = await raw.reply('failed', requestId);
  return { code: (error as { code: unknown }).code, ms: performance.now() - started };
}

async function timed(promise: Promise<unknown>): Promise<{ code: unknown; ms: number }> {
  const started = performance.now();
  const code = await promise.then(
    () => 'ok',
    (error: { code?: unknown }) => error.code,
  );
  return { code, ms: performance.now() - started };
}

function waitForClaim(name: string, claimed: boolean, thing = RAW): Promise<unknown> {
  const { operator, outputs } = environment;
  return operator.waitForDefinition(
    outputs.stateBucket,
    GROUP,
    (definition) =>
      definition.claims[claimKey(thing, name)] !== undefined &&
      (claimedVersion(definition, thing, name) !== undefined) === claimed,
    { timeoutMs: BOUND_MS },
  );
}

/** The report that the core sent last. */
async function lastStatus() {
  return (await latestStatus(environment, CORE))?.report;
}

async function manifestOf(name: string): Promise<FunctionManifest> {
  const index = await environment.operator.functionIndex(environment.outputs.stateBucket, name);
  return Object.values(index?.versions ?? {})[0]?.manifest as FunctionManifest;
}

describe('before it has validated', () => {
  it('cut off: the device is told at once, and gets the function later', async () => {
    await environment.registerFunction('cutBeforeValidate', ECHO);
    uplink.cut();
    const { code, ms } = await timed(device.deploy('cutBeforeValidate'));
    expect(code).toBe('CLOUD_UNREACHABLE');
    expect(ms).toBeLessThan(BOUND_MS);
    await steady.proceeds();
    await expect(timed(device.invoke('trainModel', {}, { location: 'cloud' }))).resolves.toMatchObject({
      code,
    });
    uplink.mend();
    await device.deploy('cutBeforeValidate');
    await expect(device.invoke('cutBeforeValidate', { a: 1 })).resolves.toEqual({ a: 1 });
    await device.release('cutBeforeValidate');
  });
});

it('between the offer and the confirm: nothing is claimed', async () => {
  await environment.registerFunction('cutBeforeConfirm', ECHO);
  const requestId = await offered('cutBeforeConfirm');
  uplink.cut();
  await raw.ask('confirm', { requestId });
  const { code, ms } = await failure(requestId);
  expect(code).toBe('CLOUD_UNREACHABLE');
  expect(ms).toBeLessThan(BOUND_MS);
  await mend();
  // The next update of this core has arrived: one before it would have, too.
  await device.deploy('smoothSignal');
  await environment.registerFunction('afterwards', ECHO);
  await device.deploy('afterwards');
  await device.release('afterwards');
  expect((await definitionOf(environment)).claims).not.toHaveProperty([claimKey(RAW, 'cutBeforeConfirm')]);
});

describe('between the confirm and the answer of the cloud', () => {
  beforeEach(() => {
    faults.iotRule = { delayMs: [300, 300] };
  });

  it('a short cut: sent again, and ready', async () => {
    await environment.registerFunction('shortCut', ECHO);
    const requestId = await offered('shortCut');
    const sent = updateSent();
    await raw.ask('confirm', { requestId });
    await sent;
    uplink.cut();
    await steady.proceeds();
    uplink.mend();
    await expect(raw.reply('ready', requestId)).resolves.toMatchObject({ function: 'shortCut' });
    await raw.ask('release', { requestId: randomUUID(), function: 'shortCut' });
    await raw.reply('released');
  });

  it('a long cut: the device is told, and the claim that the cloud had got is taken back', async () => {
    await environment.registerFunction('longCut', ECHO);
    const requestId = await offered('longCut');
    const sent = updateSent();
    await raw.ask('confirm', { requestId });
    await sent;
    uplink.cut();
    const { code, ms } = await failure(requestId);
    expect(code).toBe('CLOUD_UNREACHABLE');
    expect(ms).toBeLessThan(BOUND_MS);
    await waitForClaim('longCut', true);
    await mend();
    await waitForClaim('longCut', false);
    const { revision } = await definitionOf(environment);
    await runsRevision(edge, revision);
    const call = randomUUID();
    await raw.ask('invoke', { requestId: call, function: 'longCut', location: 'edge' });
    await expect(failure(call)).resolves.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
  });
});

describe('between the answer of the cloud and ready', () => {
  beforeEach(() => {
    faults.lambdaAsync = { delayMs: [200, 200] };
  });

  it('the edge catches up as soon as it can, and the device has its function', async () => {
    await environment.registerFunction('cutAfterAccepted', ECHO);
    const deployed = device.deploy('cutAfterAccepted');
    await device.reached('cutAfterAccepted', 'stored');
    uplink.cut();
    await waitForClaim('cutAfterAccepted', true, 'sensor-1');
    await steady.proceeds();
    uplink.mend();
    const { code, ms } = await timed(deployed);
    expect(code).toBe('ok');
    expect(ms).toBeLessThan(BOUND_MS);
    await device.release('cutAfterAccepted');
  });

  it('in the middle of the package: the device is told, and its claim is taken back', async () => {
    const large = await functionPackage(
      { 'index.js': ECHO, 'data.txt': randomBytes(2 * 1024 * 1024).toString('base64') },
      { name: 'cutInPackage', handler: 'index.handler' },
    );
    await environment.registerPackages([{ name: 'cutInPackage', bytes: large }]);
    uplink.packages.stallAfter(1024 * 1024);
    const deployed = device.deploy('cutInPackage');
    await waitForClaim('cutInPackage', true, 'sensor-1');
    await device.reached('cutInPackage', 'fetching');
    uplink.cut();
    const { code, ms } = await timed(deployed);
    expect(code).toBe('CLOUD_UNREACHABLE');
    expect(ms).toBeLessThan(BOUND_MS);
    await steady.proceeds();
    uplink.mend();
    await waitForClaim('cutInPackage', false, 'sensor-1');
    await device.deploy('cutInPackage');
    await expect(device.invoke('cutInPackage', { a: 1 })).resolves.toEqual({ a: 1 });
    await device.release('cutInPackage');
  });
});

it('what was missed meanwhile is made up for: notices, updates, status', async () => {
  await Promise.all([
    environment.registerFunction('missed', ECHO),
    environment.registerFunction('shared', ECHO),
  ]);
  await device.deploy('shared');
  uplink.cut();
  const missed = await manifestOf('missed');
  const { revision } = await changeGroup(environment, undefined, ({ statics }) => ({
    statics: { ...statics, missed: { version: missed.version, seq: 1 } },
    functions: { [`missed@${missed.version}`]: missed },
  }));
  // It runs here for another device: that takes no cloud, only the claim has to wait for it.
  const requestId = randomUUID();
  await raw.ask('request', { requestId, function: 'shared' });
  await expect(raw.reply('ready', requestId)).resolves.toMatchObject({ present: true });
  await steady.proceeds();
  await mend();
  await runsRevision(edge, revision);
  await expect(device.invoke('missed', { a: 1 })).resolves.toEqual({ a: 1 });
  await waitForClaim('shared', true);
  const last = await definitionOf(environment);
  const status = await until('the status of the last revision', async () => {
    const report = await lastStatus();
    return report?.state === 'ready' && report.revision >= last.revision ? report : undefined;
  });
  expect(status.functions).toContainEqual({ key: `missed@${missed.version}`, state: 'running' });
});

it('silence instead of an end: both who wait for the cloud are told in bounded time', async () => {
  await environment.registerFunction('silentConfirm', ECHO);
  await environment.registerFunction('silentValidate', ECHO);
  const requestId = await offered('silentConfirm');
  uplink.silence();
  await raw.ask('confirm', { requestId });
  const [confirmed, validated] = await Promise.all([
    failure(requestId),
    timed(device.deploy('silentValidate')),
  ]);
  expect(validated.code).toBe('CLOUD_UNREACHABLE');
  expect(validated.ms).toBeLessThan(BOUND_MS);
  expect(['CLOUD_UNREACHABLE', 'DEPLOYMENT_TIMED_OUT']).toContain(confirmed.code);
  expect(confirmed.ms).toBeLessThan(40_000);
  await steady.proceeds();
  // All that was on its way gets through now, the claim as well.
  await mend();
  await waitForClaim('silentConfirm', false);
});
