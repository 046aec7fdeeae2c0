import { EdgeError, type CoreUpdate } from '../../../protocol';
import { startHarness, type Harness } from '../support/harness';
import { manifestOf } from '../support/memoryCloud';

/** A deployment that brings nothing, for a reason that lies in no function. */
const FULL = new EdgeError('DEPLOYMENT_FAILED', 'no space left on device');

let h: Harness;
beforeEach(async () => {
  h = await startHarness({
    prepare(cloud) {
      cloud.addDevices('camera-1', 'camera-2');
      cloud.register(manifestOf('detect', '1.0.0'));
      cloud.register(manifestOf('count', '1.0.0'));
    },
  });
  // Whoever delivers functions does not come.
  h.local.onStart = (key) => (key.startsWith('count') ? Promise.resolve() : new Promise(() => undefined));
});

async function deploy(device: string, requestId: string, name = 'detect'): Promise<void> {
  await h.ask(device, 'request', { requestId, function: name });
  await h.ask(device, 'confirm', { requestId });
  await h.clock.advance(50);
}

const claimed = () => Object.entries(h.cloud.definition.claims).filter(([, { released }]) => !released);
const told = (device: string, requestId: string) => h.devices.last(device, requestId)?.message['error'];

test('devices that wait for it hear the reason at once, and claim nothing any more', async () => {
  await deploy('camera-1', 'r1');
  expect(h.devices.failure('camera-1', 'r1')).toBeUndefined();
  h.cloud.undelivered(FULL);
  await h.clock.advance(50);
  expect(told('camera-1', 'r1')).toEqual({ code: 'DEPLOYMENT_FAILED', message: 'no space left on device' });
  expect(claimed()).toEqual([]);
  expect(h.cloud.updates.flatMap(({ failures }) => failures ?? [])).toEqual([]);
});

test('devices whose function runs are not disturbed', async () => {
  await deploy('camera-1', 'r1', 'count');
  await deploy('camera-2', 'r2');
  h.cloud.undelivered(FULL);
  await h.clock.advance(120_000);
  expect(h.devices.kinds('camera-1', 'r1').at(-1)).toBe('ready');
  expect(h.local.get('count@1.0.0')?.state).toBe('running');
  expect(h.devices.failure('camera-2', 'r2')).toBe('DEPLOYMENT_FAILED');
  expect(claimed().map(([key]) => key)).toEqual(['camera-1/count']);
});

test('they hear it also when the core hears of the failure before it has the definition', async () => {
  const updates: CoreUpdate[] = [];
  h.cloud.onUpdate = (update) => void updates.push(update);
  await deploy('camera-1', 'r1');
  h.cloud.connected = false;
  for (const update of updates) h.cloud.absorb(update);
  h.cloud.connected = true;
  h.cloud.undelivered(FULL);
  await h.clock.advance(50);
  expect(h.devices.failure('camera-1', 'r1')).toBe('DEPLOYMENT_FAILED');
});

test('one whose claim is still on its way waits for the deployment of that', async () => {
  await deploy('camera-1', 'r1');
  h.cloud.onUpdate = ({ requestId }) => h.cloud.accept(requestId);
  await deploy('camera-2', 'r2');
  h.cloud.undelivered(FULL);
  await h.clock.advance(50);
  expect(h.devices.failure('camera-1', 'r1')).toBe('DEPLOYMENT_FAILED');
  expect(h.devices.failure('camera-2', 'r2')).toBeUndefined();
});

test('the failure of an older revision says nothing of the one in force', async () => {
  await deploy('camera-1', 'r1');
  h.cloud.undelivered(FULL, h.cloud.definition.revision - 1);
  await h.clock.advance(50);
  expect(h.devices.failure('camera-1', 'r1')).toBeUndefined();
});

test('a device that asks again is promised it again, by a claim of its own', async () => {
  await deploy('camera-1', 'r1');
  h.cloud.undelivered(FULL);
  await h.clock.advance(50);
  h.local.onStart = () => Promise.resolve();
  await deploy('camera-1', 'r2');
  expect(h.devices.kinds('camera-1', 'r2').at(-1)).toBe('ready');
  expect(claimed().map(([key]) => key)).toEqual(['camera-1/detect']);
});

test('a static that does not come is reported with its reason, and blamed for nothing', async () => {
  const functions = { 'detect@1.0.0': manifestOf('detect', '1.0.0') };
  h.cloud.change({ functions, statics: { detect: { version: '1.0.0', seq: 1 } } });
  await h.clock.advance(50);
  h.cloud.undelivered(FULL);
  await h.clock.advance(120_000);
  expect(h.cloud.statuses.at(-1)?.functions).toMatchObject([
    { key: 'detect@1.0.0', state: 'failed', error: { message: 'no space left on device' } },
  ]);
  expect(h.cloud.updates).toEqual([]);
});
