import { type DeviceProcess, type Edge, functionPackage } from '../../local';
import { claimKey, functionKey, type GroupDefinition, type RollbackEntry } from '../../protocol';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { changeGroup, definitionOf, runsRevision } from '../support/operatorChange';
import { keepCalling, type SteadyCaller } from '../support/steadyCaller';

/**
 * A version that does not start on the group leads to a higher revision with the last good one, whoever
 * asked for it, while that one is called steadily. Each test ends with a restart of the core.
 */
const GOOD = 'exports.handler = async ({ n }) => n + 1;';
const BROKEN = 'throw new RangeError("worse than before");';
const REASON = {
  code: 'FUNCTION_INIT_FAILED',
  message: 'worse than before',
  details: { errorType: 'RangeError' },
};

let environment: TestEnvironment;
let edge: Edge;
let device: DeviceProcess;
let steady: SteadyCaller | undefined;

beforeAll(async () => {
  environment = await startTestEnvironment();
  edge = await environment.startEdge(GROUP);
  device = await environment.connectDevice('sensor-1');
});

afterAll(() => environment?.close());

afterEach(async () => {
  await steady?.stop();
  steady = undefined;
});

async function register(name: string, version: string, source: string): Promise<void> {
  const bytes = await functionPackage(
    { 'index.js': source },
    { name, handler: 'index.handler', version, locations: ['edge'] },
  );
  await environment.registerPackages([{ name, bytes }]);
}

/** As `sls deploy` puts functions there ahead of any request. */
async function preload(name: string, version: string): Promise<GroupDefinition> {
  const manifest = await environment.operator
    .functionIndex(environment.outputs.stateBucket, name)
    .then((index) => index?.versions[version]?.manifest);
  if (manifest === undefined) throw new Error(`${name}@${version} is not registered`);
  return changeGroup(environment, undefined, ({ statics }) => ({
    statics: { [name]: { version, seq: (statics[name]?.seq ?? 0) + 1 } },
    functions: { [functionKey(name, version)]: manifest },
  }));
}

async function defined(holds: (definition: GroupDefinition) => boolean): Promise<GroupDefinition> {
  const { operator, outputs } = environment;
  const definition = await operator.waitForDefinition(outputs.stateBucket, GROUP, holds);
  await runsRevision(edge, definition.revision);
  return definition;
}

async function restart(): Promise<void> {
  const { port } = edge;
  await steady?.stop();
  await edge.stop();
  edge = await environment.startEdge(GROUP, { port });
}

function rollbackOf(definition: GroupDefinition, key: string): RollbackEntry | undefined {
  return definition.rollbacks?.[key];
}

it('a device that asks for it: hears why, keeps what it had without an interruption', async () => {
  await register('onDemand', '1.0.0', GOOD);
  await device.deploy('onDemand');
  steady = keepCalling(device, 'onDemand', { n: 1 });
  await steady.proceeds();
  const key = claimKey('sensor-1', 'onDemand');
  const { revision, claims: before } = await definitionOf(environment);

  await register('onDemand', '2.0.0', BROKEN);
  const asked = device.deploy('onDemand', { version: '2.0.0' });
  await expect(asked).rejects.toMatchObject({ code: REASON.code, message: REASON.message });
  const after = await defined(({ claims }) => {
    const claim = claims[key];
    return claim?.version === '1.0.0' && !claim.released && claim.seq > (before[key]?.seq ?? 0);
  });
  expect(after.revision).toBeGreaterThan(revision);
  expect(after.functions['onDemand@2.0.0']).toBeUndefined();
  await steady.proceeds();

  await restart();
  await expect(device.invoke('onDemand', { n: 1 })).resolves.toBe(2);
  expect((await definitionOf(environment)).revision).toBe(after.revision);
});

it('the operator who puts it there: the one before stays, until a fixed one comes', async () => {
  await register('preloaded', '1.0.0', GOOD);
  const before = await preload('preloaded', '1.0.0');
  await runsRevision(edge, before.revision);
  await device.deploy('preloaded');
  steady = keepCalling(device, 'preloaded', { n: 1 });
  await steady.proceeds();

  await register('preloaded', '2.0.0', BROKEN);
  await preload('preloaded', '2.0.0');
  const after = await defined((definition) => rollbackOf(definition, 'preloaded@2.0.0') !== undefined);
  expect(rollbackOf(after, 'preloaded@2.0.0')).toMatchObject({ error: REASON, fallback: '1.0.0' });
  await steady.proceeds();

  await restart();
  await expect(device.invokeReported('preloaded', { n: 1 })).resolves.toMatchObject({
    output: 2,
    report: { version: '1.0.0' },
  });
  expect((await definitionOf(environment)).revision).toBe(after.revision);

  steady = keepCalling(device, 'preloaded', { n: 1 });
  await register('preloaded', '2.0.1', GOOD);
  const fixed = await preload('preloaded', '2.0.1');
  await runsRevision(edge, fixed.revision);
  await steady.proceeds();
  await expect(device.invokeReported('preloaded', { n: 1 })).resolves.toMatchObject({
    report: { version: '2.0.1' },
  });
});

it('nothing ran before: nothing runs, and a device that asks later hears why for itself', async () => {
  await register('neverGood', '1.0.0', BROKEN);
  await preload('neverGood', '1.0.0');
  const after = await defined((definition) => rollbackOf(definition, 'neverGood@1.0.0') !== undefined);
  expect(rollbackOf(after, 'neverGood@1.0.0')?.fallback).toBeUndefined();
  await expect(device.invoke('neverGood', { n: 1 })).rejects.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
  await expect(device.deploy('neverGood')).rejects.toMatchObject({ code: REASON.code });
  await register('neverGood', '1.0.1', GOOD);
  await expect(device.deploy('neverGood')).resolves.toMatchObject({ version: '1.0.1' });
  await expect(device.invoke('neverGood', { n: 1 })).resolves.toBe(2);
});
