import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { DeviceProcess, Edge } from '../../local';
import { claimKey, groupDefinitionSchema, keys, type GroupDefinition } from '../../protocol';
import { cloudState, type CloudState } from '../support/cloudState';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { Gate } from '../support/gate';
import { changeGroup, definitionOf, runsRevision } from '../support/operatorChange';
import { processTree, survivors } from '../support/processTree';
import { keepCalling, type SteadyCaller } from '../support/steadyCaller';

/** An edge core that is killed, stopped or robbed of its disk or its cloud, at the moments that matter. */
const ECHO = 'exports.handler = async (event) => event;';
const ENDLESS = 'exports.handler = async () => { for (;;); };';
const BOUND_MS = 60_000;

let environment: TestEnvironment;
let cloud: CloudState;
let uplink: TestEnvironment['uplink'];
/** A new one for each test; open for good after it. */
let gate: Gate;
const gates: Gate[] = [];
let edge: Edge;
let device: DeviceProcess;
let other: DeviceProcess;
let steady: SteadyCaller;

beforeAll(async () => {
  environment = await startTestEnvironment();
  uplink = environment.uplink;
  cloud = cloudState(environment);
  edge = await startEdge();
  [device, other] = await Promise.all([
    environment.connectDevice('sensor-1'),
    environment.connectDevice('sensor-2'),
  ]);
  await other.deploy('smoothSignal');
});

afterAll(async () => {
  cloud?.close();
  await environment?.close();
  await Promise.all(gates.map((each) => each.remove()));
});

beforeEach(async () => {
  gate = await Gate.make();
  gates.push(gate);
  steady = keepCalling(other, 'smoothSignal', { samples: [1, 2, 3] });
  await steady.proceeds();
});

/** Whatever happened to the edge: every call of the other device succeeded, and nothing is left half done. */
afterEach(async () => {
  uplink.mend();
  await gate.open();
  await steady.proceeds();
  await steady.stop();
  await expectSettled();
});

function startEdge(port = 0): Promise<Edge> {
  return environment.startEdge(GROUP, { port });
}

/** On the same port and with the same state. */
async function restart(): Promise<void> {
  edge = await startEdge(edge.port);
}

function stateFile(name: string): string {
  return path.join(path.dirname(edge.configFile), 'state', name);
}

async function expectSettled(): Promise<void> {
  await environment.cloud.idle();
  const definition = await definitionOf(environment);
  await runsRevision(edge, definition.revision);
  const { stateBucket } = environment.outputs;
  expect(await cloud.objects(stateBucket, keys.requests(GROUP))).toEqual([]);
}

function claimsOf(definition: GroupDefinition, name: string): string[] {
  return Object.entries(definition.claims)
    .filter(([key, { released }]) => key.endsWith(`/${name}`) && !released)
    .map(([key, { version }]) => `${key} ${version}`);
}

describe('killed between confirm and ready', () => {
  it.each([
    ['before the cloud has the claim', 'confirmed', () => uplink.mqtt.cut()],
    ['before it has the new definition', 'stored', () => uplink.http.cut()],
  ] as const)('%s', async (_when, stage, cut) => {
    const name = `killed-${stage}`;
    await environment.registerFunction(name, ECHO, { version: '1.0.0' });
    const deployed = device.deploy(name);
    if (stage === 'confirmed') cut();
    await device.reached(name, 'confirmed');
    cut();
    await device.reached(name, stage);
    await edge.kill();
    uplink.mend();
    await restart();
    await expect(deployed).resolves.toMatchObject({ version: '1.0.0' });
    await expect(device.invoke(name, { a: 1 })).resolves.toEqual({ a: 1 });
    await expectSettled();
    expect(claimsOf(await definitionOf(environment), name)).toEqual([`sensor-1/${name} 1.0.0`]);
    await device.release(name);
  });

  it('while the function starts', async () => {
    await environment.registerFunction('killedStarting', `${gate.wait}\n${ECHO}`, { version: '1.0.0' });
    const deployed = device.deploy('killedStarting');
    await gate.arrivals(1);
    const tree = await processTree(edge.process.pid);
    await edge.kill();
    expect(await survivors(tree)).toEqual([]);
    await restart();
    await gate.arrivals(2);
    await gate.open();
    await expect(deployed).resolves.toMatchObject({ version: '1.0.0' });
    await expect(device.invoke('killedStarting', { a: 1 })).resolves.toEqual({ a: 1 });
    const definition = await definitionOf(environment);
    expect(claimsOf(definition, 'killedStarting')).toEqual(['sensor-1/killedStarting 1.0.0']);
    await device.release('killedStarting');
  });
});

it('is killed while a call runs: the call is made again and succeeds', async () => {
  const source = `exports.handler = async (event) => { ${gate.wait} return event; };`;
  await environment.registerFunction('interrupted', source, { timeout: 30 });
  await device.deploy('interrupted');
  const called = device.invoke('interrupted', { a: 1 });
  await gate.arrivals(1);
  await edge.kill();
  await restart();
  await gate.arrivals(2);
  await gate.open();
  await expect(called).resolves.toEqual({ a: 1 });
  await device.release('interrupted');
});

it('is restarted without the cloud: serves what it has, and says that it cannot get more', async () => {
  await environment.registerFunction('beforeCut', ECHO);
  await environment.registerFunction('afterCut', ECHO);
  await device.deploy('beforeCut');
  await steady.proceeds();
  uplink.cut();
  await edge.kill();
  await restart();
  await edge.process.waitFor('ready');
  await expect(device.invoke('beforeCut', { a: 1 })).resolves.toEqual({ a: 1 });
  await expect(device.deploy('beforeCut')).resolves.toMatchObject({ name: 'beforeCut' });
  const started = performance.now();
  await expect(device.deploy('afterCut')).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
  await expect(device.invoke('afterCut')).rejects.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
  await expect(device.invoke('trainModel', {}, { location: 'cloud' })).rejects.toMatchObject({
    code: 'CLOUD_UNREACHABLE',
  });
  expect(performance.now() - started).toBeLessThan(BOUND_MS);
  expect((await definitionOf(environment)).claims).not.toHaveProperty([claimKey('sensor-1', 'afterCut')]);
  uplink.mend();
  await expect(device.deploy('afterCut')).resolves.toMatchObject({ name: 'afterCut' });
  await Promise.all([device.release('beforeCut'), device.release('afterCut')]);
});

describe('its processes', () => {
  let tree: Awaited<ReturnType<typeof processTree>>;

  beforeAll(async () => {
    await environment.registerFunction('endless', ENDLESS, { timeout: 60, pinned: true });
    await device.deploy('endless');
  });

  /** One function runs a loop that never yields. */
  beforeEach(async () => {
    await device.deploy('endless');
    await device.send('endless');
    await expect(device.invoke('smoothSignal', { samples: [1] })).resolves.toBeDefined();
    tree = await processTree(edge.process.pid);
    expect(tree.filter(({ command }) => command.includes('functionProcess')).length).toBeGreaterThan(1);
  });

  afterEach(() => restart());

  it('end with it when it is stopped, with code 0', async () => {
    await expect(edge.stop()).resolves.toEqual({ code: 0, signal: null });
    expect(await survivors(tree)).toEqual([]);
  });

  it('end with it when it is killed', async () => {
    await expect(edge.kill()).resolves.toEqual({ code: null, signal: 'SIGKILL' });
    expect(await survivors(tree)).toEqual([]);
  });
});

it('is killed while it reconciles: has the old or the new definition whole, and serves with it', async () => {
  await environment.registerFunction('reconciling', `${gate.wait}\n${ECHO}`);
  const { stateBucket } = environment.outputs;
  const index = await environment.operator.functionIndex(stateBucket, 'reconciling');
  const { manifest } = Object.values(index?.versions ?? {})[0] ?? {};
  const { version = '' } = manifest ?? {};
  const before = (await definitionOf(environment)).revision;
  const { revision } = await changeGroup(environment, undefined, ({ statics }) => ({
    statics: { ...statics, reconciling: { version, seq: 1 } },
    functions: { [`reconciling@${version}`]: manifest as NonNullable<typeof manifest> },
  }));
  await gate.arrivals(1);
  uplink.cut();
  await edge.kill();
  const stored = JSON.parse(await readFile(stateFile('definition.json'), 'utf8')) as { definition: unknown };
  const definition = groupDefinitionSchema.parse(stored.definition);
  expect([before, revision]).toContain(definition.revision);
  await restart();
  await steady.proceeds();
  await gate.open();
  uplink.mend();
  await device.deploy('reconciling');
  await expect(device.invoke('reconciling', { a: 1 })).resolves.toEqual({ a: 1 });
});

it('starts with an empty disk: goes on with higher numbers', async () => {
  await environment.registerFunction('onOldDisk', ECHO, { version: '1.0.0' });
  await environment.registerFunction('onNewDisk', ECHO, { version: '1.0.0' });
  await device.deploy('onOldDisk');
  await device.release('onOldDisk');
  await expectSettled();
  const before = await definitionOf(environment);
  const highest = Math.max(...Object.values(before.claims).map(({ seq }) => seq));
  await edge.kill();
  await rm(path.dirname(stateFile('')), { recursive: true });
  const deployed = Promise.all([device.deploy('onOldDisk'), device.deploy('onNewDisk')]);
  await restart();
  await deployed;
  await expect(device.invoke('onNewDisk', { a: 1 })).resolves.toEqual({ a: 1 });
  await expectSettled();
  const { claims } = await definitionOf(environment);
  for (const name of ['onOldDisk', 'onNewDisk']) {
    const claim = claims[claimKey('sensor-1', name)];
    expect(claim).toMatchObject({ version: '1.0.0' });
    expect(claim?.released).toBeUndefined();
    expect(claim?.seq).toBeGreaterThan(highest);
  }
});
