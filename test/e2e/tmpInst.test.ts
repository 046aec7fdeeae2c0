import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Edge } from '../../local';
import { claimKey, groupDefinitionSchema, keys, type GroupDefinition } from '../../protocol';
import { cloudState, type CloudState } from '../support/cloudState';
import type { TestDevice } from '../support/device';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { Gate } from '../support/gate';
import { changeGroup, definitionOf, runsRevision } from '../support/operatorChange';
import { processTree, survivors } from '../support/processTree';
import { keepCalling, type SteadyCaller } from '../support/steadyCaller';
import { Uplink } from '../support/uplink';

/** An edge core that is killed, stopped or robbed of its disk or its cloud, at the moments that matter. */
const ECHO = 'exports.handler = async (event) => event;';
const ENDLESS = 'exports.handler = async () => { for (;;); };';
const BOUND_MS = 15_000;

let environment: TestEnvironment;
let cloud: CloudState;
let uplink: Uplink;
let gate: Gate;
let edge: Edge;
let device: TestDevice;
let other: TestDevice;
let steady: SteadyCaller;

beforeAll(async () => {
  [uplink, gate] = await Promise.all([Uplink.open(), Gate.make()]);
  environment = await startTestEnvironment({ transform: uplink.transform });
  uplink.connect(environment);
  cloud = cloudState(environment);
  edge = await startEdge();
  [device, other] = await Promise.all([
    environment.connectDevice('sensor-1'),
    environment.connectDevice('sensor-2'),
  ]);
  await other.deploy('smoothSignal');
}, 120_000);

afterAll(async () => {
  cloud?.close();
  await environment?.close();
  await uplink?.close();
  await gate?.remove();
}, 30_000);

beforeEach(async () => {
  process.stderr.write(`before ${performance.now()|0}\n`);
  steady = keepCalling(other, 'smoothSignal', { samples: [1, 2, 3] });
  await steady.proceeds();
});

/** Whatever happened to the edge: every call of the other device succeeded, and nothing is left half done. */
afterEach(async () => {
  uplink.mend();
  await gate.open();
  await steady.proceeds();
  await steady.stop();
  await gate.shut();
  await expectSettled();
});

function startEdge(port = 0): Promise<Edge> {
  return environment.startEdge(GROUP, { port, upstream: uplink.upstream });
}

/** On the same port and with the same state. */
async function restart(): Promise<void> {
  edge = await startEdge(edge.port);
}

function stateFile(name: string): string {
  return path.join(path.dirname(edge.configFile), 'state', name);
}

async function expectSettled(): Promise<void> {
  process.stderr.write(`settle ${performance.now()|0}\n`);
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
  });
});

it('is killed while a call runs: the call is made again and succeeds', async () => {
  const source = `exports.handler = async (event) => { ${gate.wait} return event; };`;
  const callGate = await Gate.make();
  try {
    await environment.registerFunction('interrupted', source.replace(gate.wait, callGate.wait), { timeout: 30 });
    await device.deploy('interrupted');
    const called = device.invoke('interrupted', { a: 1 });
    await callGate.arrivals(1);
    await edge.kill();
    await restart();
    await callGate.arrivals(2);
    await callGate.open();
    await expect(called).resolves.toEqual({ a: 1 });
  } finally {
    await callGate.remove();
  }
});

it('is restarted without the cloud: serves what it has, and says that it cannot get more', async () => {
  await environment.registerFunction('beforeCut', ECHO);
  process.stderr.write(`L1 ${performance.now()|0}\n`);
  await environment.registerFunction('afterCut', ECHO);
  process.stderr.write(`L2 ${performance.now()|0}\n`);
  await device.deploy('beforeCut');
  process.stderr.write(`L3 ${performance.now()|0}\n`);
  await steady.proceeds();
  process.stderr.write(`L4 ${performance.now()|0}\n`);
  uplink.cut();
  process.stderr.write(`L5 ${performance.now()|0}\n`);
  await edge.kill();
  process.stderr.write(`L6 ${performance.now()|0}\n`);
  await restart();
  process.stderr.write(`L7 ${performance.now()|0}\n`);
  await edge.process.waitFor('ready');
  process.stderr.write(`L8 ${performance.now()|0}\n`);
  await expect(device.invoke('beforeCut', { a: 1 })).resolves.toEqual({ a: 1 });
  process.stderr.write(`L9 ${performance.now()|0}\n`);
  await expect(device.deploy('beforeCut')).resolves.toMatchObject({ name: 'beforeCut' });
  process.stderr.write(`L10 ${performance.now()|0}\n`);
  const started = performance.now();
  process.stderr.write(`L11 ${performance.now()|0}\n`);
  await expect(device.deploy('afterCut')).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
  process.stderr.write(`L12 ${performance.now()|0}\n`);
  await expect(device.invoke('afterCut')).rejects.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
  process.stderr.write(`L13 ${performance.now()|0}\n`);
  await expect(device.invoke('trainModel', {}, { location: 'cloud' })).rejects.toMatchObject({
    code: 'CLOUD_UNREACHABLE',
  });
  process.stderr.write(`L16 ${performance.now()|0}\n`);
  expect(performance.now() - started).toBeLessThan(BOUND_MS);
  process.stderr.write(`L17 ${performance.now()|0}\n`);
  expect((await definitionOf(environment)).claims).not.toHaveProperty([claimKey('sensor-1', 'afterCut')]);
  process.stderr.write(`L18 ${performance.now()|0}\n`);
  uplink.mend();
  process.stderr.write(`L19 ${performance.now()|0}\n`);
  await expect(device.deploy('afterCut')).resolves.toMatchObject({ name: 'afterCut' });
  process.stderr.write(`L20 ${performance.now()|0}\n`);
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
  await gate.arrivals(3);
  uplink.cut();
  await edge.kill();
  const stored = JSON.parse(await readFile(stateFile('definition.json'), 'utf8')) as { definition: unknown };
  const definition = groupDefinitionSchema.parse(stored.definition);
  expect([before, revision]).toContain(definition.revision);
  await restart();
  await steady.proceeds();
  await gate.open();
  uplink.mend();
  await runsRevision(edge, revision);
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
