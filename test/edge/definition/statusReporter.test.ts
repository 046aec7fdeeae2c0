import { EdgeError, MAX_MQTT_PAYLOAD } from '../../../protocol';
import { startHarness } from '../support/harness';
import { manifestOf } from '../support/memoryCloud';

/** What the cloud hears of a core: `createSystemFunctions` over in-memory ports and a clock moved by hand. */
const SECOND = 1_000;

const heartbeats = (h: Awaited<ReturnType<typeof startHarness>>) =>
  h.cloud.statuses.filter(({ slot }) => slot === 'heartbeat');

test('says that it is there when nothing changes, never later than announced', async () => {
  const h = await startHarness({ random: () => 0, heartbeat: 30 });
  await h.clock.advance(SECOND);
  const changes = h.cloud.statuses.length;
  expect(changes).toBeGreaterThan(0);
  expect(heartbeats(h)).toHaveLength(0);
  await h.clock.advance(30 * SECOND);
  await h.clock.advance(30 * SECOND);
  expect(heartbeats(h)).toHaveLength(2);
  expect(h.cloud.statuses).toHaveLength(changes + 2);
  expect(heartbeats(h).at(-1)).toMatchObject({ heartbeat: 30, state: 'ready', revision: 1 });
  const numbers = h.cloud.statuses.map(({ seq }) => seq);
  expect(numbers).toEqual([...numbers].sort());
});

test('cores that start together do not report together', async () => {
  const [early, late] = [await startHarness({ random: () => 0.99 }), await startHarness({ random: () => 0 })];
  for (const h of [early, late]) await h.clock.advance(50 * SECOND);
  expect(heartbeats(early)).toHaveLength(1);
  expect(heartbeats(late)).toHaveLength(0);
});

test('a change counts as a sign of life', async () => {
  const h = await startHarness({ random: () => 0 });
  await h.clock.advance(40 * SECOND);
  h.cloud.change({});
  await h.clock.advance(40 * SECOND);
  expect(heartbeats(h)).toHaveLength(0);
  await h.clock.advance(21 * SECOND);
  expect(heartbeats(h)).toHaveLength(1);
});

test('without the cloud it sends nothing, and goes on', async () => {
  const h = await startHarness({ random: () => 0 });
  await h.clock.advance(SECOND);
  h.cloud.connected = false;
  await h.clock.advance(150 * SECOND);
  expect(heartbeats(h)).toHaveLength(0);
  h.cloud.connected = true;
  await h.clock.advance(60 * SECOND);
  expect(heartbeats(h)).toHaveLength(1);
});

test('functions that fail with long reasons do not make a report too large to be sent', async () => {
  const h = await startHarness();
  h.local.onStart = async () => {
    const trace = Array.from({ length: 40 }, () => 'x'.repeat(512));
    throw new EdgeError('FUNCTION_INIT_FAILED', 'y'.repeat(8_000), { details: { trace } });
  };
  // Rolling them back takes a while.
  h.cloud.onUpdate = ({ requestId }) => h.cloud.accept(requestId);
  const names = Array.from({ length: 40 }, (_, n) => `broken${n}`);
  h.cloud.change({
    statics: Object.fromEntries(names.map((name) => [name, { version: '1.0.0', seq: 1 }])),
    functions: Object.fromEntries(names.map((name) => [`${name}@1.0.0`, manifestOf(name, '1.0.0')])),
  });
  await h.clock.advance(SECOND);
  const { functions = [] } = h.cloud.statuses.at(-1) ?? {};
  expect(functions.filter(({ state }) => state === 'failed')).toHaveLength(40);
  expect(functions[0]?.error).toMatchObject({ code: 'FUNCTION_INIT_FAILED' });
  for (const status of h.cloud.statuses) {
    expect(Buffer.byteLength(JSON.stringify(status))).toBeLessThan(MAX_MQTT_PAYLOAD);
  }
});

test('nothing comes after the goodbye', async () => {
  const h = await startHarness();
  await h.clock.advance(SECOND);
  await h.system.close();
  const sent = h.cloud.statuses.length;
  expect(h.cloud.statuses.at(-1)).toMatchObject({ state: 'stopping' });
  await h.clock.advance(300 * SECOND);
  expect(h.cloud.statuses).toHaveLength(sent);
});

test('however often it starts and reports, its reports fill a bounded number of slots', async () => {
  let h = await startHarness({ random: () => 0 });
  for (let boot = 0; boot < 60; boot += 1) {
    for (let change = 0; change < 5; change += 1) {
      h.cloud.change({});
      await h.clock.advance(SECOND);
    }
    await h.clock.advance(60 * SECOND);
    h = await h.crashAndRestart();
  }
  const { statuses } = h.cloud;
  expect(statuses.length).toBeGreaterThan(300);
  expect(new Set(statuses.map(({ slot }) => slot)).size).toBeLessThanOrEqual(101);
});
