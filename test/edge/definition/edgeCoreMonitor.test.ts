import { EdgeError } from '../../../protocol';
import { startHarness, type Harness } from '../support/harness';
import { settle } from '../support/manualClock';
import { CORE, manifestOf, type MemoryCloud } from '../support/memoryCloud';

const STATIC = {
  statics: { detect: { version: '1.0.0', seq: 1 } },
  functions: { 'detect@1.0.0': manifestOf('detect', '1.0.0') },
};

function states(h: Harness): string[] {
  return h.devices.announced.map(({ state, revision }) => `${state} ${revision}`);
}

function offline(cloud: MemoryCloud): void {
  cloud.connected = false;
  cloud.unreachable = true;
}

test('fetches on connection, stores, reconciles, announces', async () => {
  const h = await startHarness({ prepare: (cloud) => cloud.change(STATIC) });
  expect(h.local.list()).toMatchObject([{ key: 'detect@1.0.0', state: 'running' }]);
  expect(JSON.parse(h.definitions.text ?? '{}')).toMatchObject({ etag: '"2"', definition: { revision: 2 } });
  expect(states(h)).toEqual(['starting 0', 'reconciling 2', 'ready 2']);
  expect(h.reconciled).toEqual([2]);
  expect(h.devices.enforced).toBeGreaterThan(0);
});

test('starts without the cloud and serves what it has', async () => {
  const h = await startHarness({ prepare: (cloud) => cloud.change(STATIC) });
  offline(h.cloud);
  const again = await h.crashAndRestart();
  expect(again.local.list()).toMatchObject([{ key: 'detect@1.0.0', state: 'running' }]);
  expect(states(again)).toEqual(['starting 0', 'reconciling 2', 'ready 2']);
  expect(again.system.definition()).toEqual(h.cloud.definition);
});

test('without a stored definition it waits for the cloud', async () => {
  const h = await startHarness({ prepare: offline });
  expect(states(h)).toEqual(['starting 0']);
  h.cloud.unreachable = false;
  h.cloud.connect();
  await settle();
  expect(states(h).at(-1)).toBe('ready 1');
});

test('a stored definition that cannot be read, or of another group, is not served', async () => {
  const h = await startHarness({ prepare: (cloud) => cloud.change(STATIC) });
  offline(h.cloud);
  h.definitions.text = '{"half';
  expect((await h.crashAndRestart()).local.list()).toEqual([]);
  h.definitions.text = JSON.stringify({ definition: { ...h.cloud.definition, group: 'other' } });
  expect((await h.crashAndRestart()).local.list()).toEqual([]);
});

test('fetches with the ETag on each notice; a notice of what is in force needs no fetch', async () => {
  const h = await startHarness();
  // Once before it serves anybody, and once when it is connected and misses no notice any more.
  expect(h.cloud.definitionRequests).toEqual([undefined, '"1"']);
  h.cloud.notify();
  await settle();
  expect(h.cloud.definitionRequests).toHaveLength(2);
  h.cloud.change(STATIC);
  await settle();
  expect(h.cloud.definitionRequests).toEqual([undefined, '"1"', '"1"']);
  expect(h.system.definition().revision).toBe(2);
});

test('notices during a fetch share one more fetch', async () => {
  const h = await startHarness();
  const before = h.cloud.definitionRequests.length;
  h.cloud.change(STATIC);
  h.cloud.change({ entitlements: {} });
  h.cloud.change({ entitlements: {} });
  await settle();
  expect(h.cloud.definitionRequests).toHaveLength(before + 2);
  expect(h.system.definition().revision).toBe(4);
});

test('polls every minute, and sooner after a failure', async () => {
  const h = await startHarness();
  const before = h.cloud.definitionRequests.length;
  await h.clock.advance(61_000);
  expect(h.cloud.definitionRequests).toHaveLength(before + 1);
  h.cloud.unreachable = true;
  h.cloud.change(STATIC);
  await h.clock.advance(400);
  h.cloud.unreachable = false;
  await h.clock.advance(200);
  expect(h.system.definition().revision).toBe(2);
});

test('a lower revision is never applied, nor a definition of another group', async () => {
  const h = await startHarness({ prepare: (cloud) => cloud.change(STATIC) });
  h.cloud.definition = { ...h.cloud.definition, revision: 1, statics: {} };
  await h.system.refresh();
  expect(h.system.definition().revision).toBe(2);
  h.cloud.definition = { ...h.cloud.definition, revision: 9, group: 'other' };
  await h.system.refresh();
  expect(h.system.definition().revision).toBe(2);
  expect(h.local.targets).toHaveLength(1);
});

test('a newer definition supersedes one that is still being brought', async () => {
  const h = await startHarness();
  const started: (() => void)[] = [];
  h.local.onStart = () => new Promise<void>((resolve) => started.push(resolve));
  h.cloud.change(STATIC);
  await settle();
  h.cloud.change({ entitlements: { detect: { devices: ['*'], seq: 1 } } });
  await settle();
  expect(h.local.targets).toHaveLength(3);
  for (const start of started) start();
  await settle();
  expect(h.reconciled).toEqual([1, 3]);
  expect(states(h).at(-1)).toBe('ready 3');
});

test('a disk that cannot be written does not stop the service', async () => {
  const h = await startHarness();
  h.definitions.fails = true;
  h.cloud.change(STATIC);
  await settle();
  expect(h.system.definition().revision).toBe(2);
  expect(h.local.list()).toHaveLength(1);
});

test('what failed for want of the cloud is tried again when the cloud is back; other failures are not', async () => {
  const h = await startHarness({ prepare: (cloud) => cloud.change(STATIC) });
  offline(h.cloud);
  const again = await h.crashAndRestart({ onStart: 'CLOUD_UNREACHABLE' });
  expect(again.local.list()).toMatchObject([{ state: 'failed' }]);
  again.local.onStart = async () => undefined;
  h.cloud.unreachable = false;
  h.cloud.connect();
  await settle();
  expect(again.local.list()).toMatchObject([{ state: 'running' }]);
  const targets = again.local.targets.length;
  await again.system.refresh();
  expect(again.local.targets).toHaveLength(targets);
});

test('reports upstream what runs, numbered per boot, with the reason of what failed', async () => {
  const h = await startHarness();
  h.local.onStart = async () => {
    throw new EdgeError('EDGE_LIMIT_EXCEEDED', 'no room');
  };
  h.cloud.change(STATIC);
  await h.clock.advance(100);
  const reports = h.cloud.statuses;
  expect(reports.at(-1)).toMatchObject({
    core: CORE,
    group: 'plant',
    state: 'ready',
    revision: 2,
    functions: [{ key: 'detect@1.0.0', state: 'failed', error: { code: 'EDGE_LIMIT_EXCEEDED' } }],
  });
  expect(reports.map(({ seq }) => seq)).toEqual([...reports.map(({ seq }) => seq)].sort());
  expect(new Set(reports.map(({ boot }) => boot)).size).toBe(1);
  expect(reports[0]?.boot).toMatch(/^\d{13}$/);
  expect(reports[0]?.seq).toBe('0000000001');
});

test('claims of a revoked device are not run', async () => {
  const h = await startHarness({ prepare: (cloud) => cloud.addDevices('camera-1') });
  const [claims, functions] = [{ 'camera-1/detect': { version: '1.0.0', seq: 1 } }, STATIC.functions];
  h.cloud.change({ claims, functions });
  await settle();
  expect(h.local.list()).toHaveLength(1);
  const enforced = h.devices.enforced;
  const { 'camera-1': camera } = h.cloud.definition.devices;
  if (camera === undefined) throw new Error('no camera');
  h.cloud.change({ devices: { 'camera-1': { ...camera, seq: 2, revoked: true } } });
  await settle();
  expect(h.local.list()).toEqual([]);
  expect(h.devices.enforced).toBeGreaterThan(enforced);
});
