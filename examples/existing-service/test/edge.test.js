// The service on a cloud, an edge and devices of its own, all on this machine: jest here, vitest with
// `globals: true` just as well.
const { startLocalService } = require('serverless-edge-on-demand/local');

const MINUTE = 60_000;
const readings = [-20, -19.8, -19.9].map((value, minute) => ({ at: minute * MINUTE, value }));

let service;
let edge;
let probe;

beforeAll(async () => {
  service = await startLocalService();
  edge = await service.startEdge('hall-1');
  probe = await service.connectDevice('probe-1');
}, 3 * MINUTE);

afterAll(() => service?.close());

test('a probe gets the summary on its edge', async () => {
  await probe.deploy('summarise');
  expect(await probe.invoke('summarise', { readings })).toMatchObject({ count: 3, lowest: -20 });
});

test('what the function throws reaches the probe', async () => {
  const failure = probe.invoke('summarise', { readings: [] });
  await expect(failure).rejects.toMatchObject({
    code: 'FUNCTION_ERROR',
    details: { errorType: 'TypeError', errorMessage: 'readings: expected a list of one or more' },
  });
});

test('a door is watched while the cloud says nothing', async () => {
  service.uplink.silence();
  const warming = [-20, -18].map((value, minute) => ({ at: minute * MINUTE, value }));
  expect(await probe.invoke('detectDoorOpen', { readings: warming })).toMatchObject({ open: true });
  service.uplink.mend();
});

test('a function that another service brings comes over a slow line', async () => {
  await service.registerFunction('greet', 'exports.handler = async ({ name }) => `hello ${name}`;');
  service.uplink.slow(100);
  await probe.deploy('greet');
  expect(await probe.invoke('greet', { name: 'hall 1' })).toBe('hello hall 1');
  service.uplink.mend();
});

test('after a power cut the edge still has what the probe asked for', async () => {
  await edge.kill();
  edge = await service.startEdge('hall-1', { port: edge.port });
  expect(await probe.invoke('summarise', { readings })).toMatchObject({ count: 3 });
});
