import { EdgeClient } from '../../device/client';
import { QOS, type Candidate } from '../../device/link';
import { DeviceSession, type SessionWorld } from '../../device/session';
import { EdgeError } from '../../protocol/errors';
import { askSchemas, callSchema } from '../../protocol';
import { parseDeviceTopic } from '../../protocol/topics';
import { settled, TestClock } from './support/clock';
import { MemoryEdge, type Published } from './support/memoryEdge';

const at = (port: number): Candidate => ({ host: 'edge.local', port });

interface Rig {
  edge: MemoryEdge;
  clock: TestClock;
  located: { times: number; answer: () => Candidate[] };
  open(signal?: AbortSignal): Promise<EdgeClient>;
}

function rig(): Rig {
  const edge = new MemoryEdge();
  const clock = new TestClock();
  const located = { times: 0, answer: () => [at(1)] };
  let ids = 0;
  const world: SessionWorld = {
    locate: async () => {
      located.times += 1;
      return located.answer();
    },
    openLink: edge.openLink,
    clock,
    random: () => 0,
    newId: () => `id-${++ids}`,
  };
  const address = { thingName: 'sensor-1', prefix: 'edge' };
  return {
    edge,
    clock,
    located,
    async open(signal) {
      const options = { ...address, client: { name: 'test', version: '1.0.0' } };
      return EdgeClient.over(
        await DeviceSession.open(options, world, { timeoutMs: 15_000, signal }),
        address,
      );
    },
  };
}

/** Answers every message as an edge would. */
function obliging(edge: MemoryEdge): (message: Published) => void {
  return ({ topic, body: { requestId, input } }) => {
    const served = { requestId, function: 'f', version: '1.0.0' };
    if (topic.endsWith('/request')) edge.reply('available', served);
    if (topic.endsWith('/confirm')) {
      edge.reply('ready', { ...served, revision: 2, callTopic: 'edge/sensor-1/call/f', present: false });
    }
    if (topic.endsWith('/invoke')) {
      edge.reply('result', { ...served, location: 'edge', output: input, durationMs: 1 });
    }
    if (topic.endsWith('/release')) edge.reply('released', { requestId, function: 'f' });
  };
}

test('subscribes, joins, and only then is connected', async () => {
  const { edge, open, clock } = rig();
  const client = await open();
  expect(edge.subscribed).toEqual(['edge/sensor-1/reply/+', 'edge/status']);
  expect(edge.kinds()).toEqual(['join']);
  expect(client.core).toEqual({ name: 'core-1', host: 'edge.local', port: 1 });
  expect(clock.timers).toBe(0);
  await client.close();
  expect(edge.connected).toBe(false);
});

test('every message has the form of the protocol, and its QoS', async () => {
  const { edge, open } = rig();
  edge.script = obliging(edge);
  const client = await open();
  const handle = await client.deploy('f', { version: '^1' });
  await handle.invoke({ samples: [1] }, { location: 'any', timeout: 5_000 });
  await client.invoke('f');
  await handle.send({ samples: [2] });
  await client.send('f');
  await handle.release();
  for (const { topic, body, qos } of edge.published) {
    const meant = parseDeviceTopic('edge', topic);
    const schema = meant?.kind === 'ask' ? askSchemas[meant.ask] : callSchema;
    expect(schema.safeParse(body).error).toBeUndefined();
    expect(qos).toBe(meant?.kind === 'ask' ? QOS.ask : QOS.call);
  }
  expect(edge.kinds()).toEqual(['join', 'request', 'confirm', 'invoke', 'invoke', 'f', 'f', 'release']);
  expect(edge.published[3]?.body).toMatchObject({ version: '1.0.0', location: 'any', timeoutMs: 5_000 });
});

test('the connection is lost: joins again, then sends again under the same id', async () => {
  const { edge, open, clock } = rig();
  const client = await open();
  const invoking = client.invoke('f', 1);
  const { body } = edge.last();
  const events: unknown[] = [];
  client.on('disconnected', ({ code }) => events.push(code)).on('reconnected', (core) => events.push(core));
  edge.cut();
  await settled();
  expect(client.connected).toBe(false);
  edge.script = obliging(edge);
  await clock.pass(100);
  await expect(invoking).resolves.toBe(1);
  expect(edge.kinds()).toEqual(['join', 'invoke', 'join', 'invoke']);
  expect(edge.last().body).toEqual(body);
  expect(edge.subscribed).toHaveLength(4);
  expect(events).toEqual(['DISCONNECTED', { name: 'core-1', host: 'edge.local', port: 1 }]);
});

test('the edge has moved: asked again where it is after two rounds in vain', async () => {
  const { edge, open, clock, located } = rig();
  const client = await open();
  edge.dead.add(1);
  located.answer = () => [at(2)];
  edge.cut();
  await clock.pass(100 + 200);
  expect(located.times).toBe(1);
  await clock.pass(400);
  expect(located.times).toBe(2);
  expect(client.core.port).toBe(2);
  expect(edge.dialed.map(({ port }) => port)).toEqual([1, 1, 1, 2]);
});

test('discovery that fails while the edge is away does not lose the old address', async () => {
  const { edge, open, clock, located } = rig();
  const client = await open();
  edge.dead.add(1);
  located.answer = () => {
    throw new EdgeError('EDGE_NOT_FOUND');
  };
  edge.cut();
  await clock.pass(5_000);
  expect(located.times).toBeGreaterThan(2);
  edge.dead.delete(1);
  await clock.pass(5_000);
  expect(client.connected).toBe(true);
});

test('candidates are tried in order; the one that worked comes first next time', async () => {
  const { edge, open, clock, located } = rig();
  located.answer = () => [at(1), at(2), at(3)];
  edge.dead.add(1);
  await open();
  expect(edge.dialed.map(({ port }) => port)).toEqual([1, 2]);
  edge.cut();
  await clock.pass(100);
  expect(edge.dialed.map(({ port }) => port)).toEqual([1, 2, 2]);
});

test('no candidate works: EDGE_NOT_FOUND that names them all', async () => {
  const { edge, open, located, clock } = rig();
  located.answer = () => [at(1), at(2)];
  edge.dead.add(1).add(2);
  await expect(open()).rejects.toMatchObject({
    code: 'EDGE_NOT_FOUND',
    details: { tried: [expect.objectContaining({ port: 1 }), expect.objectContaining({ port: 2 })] },
  });
  expect(clock.timers).toBe(0);
});

test('a refused join is the error, and another core is tried before', async () => {
  const { edge, open, located } = rig();
  located.answer = () => [at(1), at(2)];
  edge.answersJoin = false;
  edge.script = ({ body: { requestId } }) =>
    edge.reply('failed', { requestId, error: { code: 'DEVICE_REVOKED', message: 'revoked' } });
  await expect(open()).rejects.toMatchObject({ code: 'DEVICE_REVOKED' });
  expect(edge.dialed).toHaveLength(2);
  expect(edge.connected).toBe(false);
});

test('a link that is lost during the join is a failed attempt', async () => {
  const { edge, open } = rig();
  edge.answersJoin = false;
  edge.script = () => edge.cut();
  await expect(open()).rejects.toMatchObject({ code: 'EDGE_NOT_FOUND' });
});

test('connecting is aborted: ABORTED, the link closed, no timer left', async () => {
  const { edge, open, clock } = rig();
  edge.answersJoin = false;
  const controller = new AbortController();
  const opening = open(controller.signal);
  await settled();
  expect(edge.kinds()).toEqual(['join']);
  controller.abort();
  await expect(opening).rejects.toMatchObject({ code: 'ABORTED' });
  await settled();
  expect([edge.connected, clock.timers]).toEqual([false, 0]);
});

test('connecting takes too long: TIMED_OUT', async () => {
  const { edge, open, clock } = rig();
  edge.answersJoin = false;
  const opening = open();
  const rejected = expect(opening).rejects.toBeInstanceOf(EdgeError);
  await clock.pass(15_000);
  await rejected;
  await settled();
  expect([edge.connected, clock.timers]).toEqual([false, 0]);
});

test('closed while reconnecting: no further attempt, no timer left', async () => {
  const { edge, open, clock } = rig();
  const client = await open();
  edge.dead.add(1);
  edge.cut();
  await clock.pass(1_000);
  const invoking = client.invoke('f');
  const rejected = expect(invoking).rejects.toMatchObject({ code: 'CLOSED' });
  await client.close();
  await rejected;
  await settled();
  const attempts = edge.dialed.length;
  await clock.pass(60_000);
  expect([edge.dialed.length, clock.timers]).toEqual([attempts, 0]);
});

describe('an aborted deployment', () => {
  async function abortDeployment(client: EdgeClient): Promise<void> {
    const controller = new AbortController();
    const deploying = client.deploy('f', { signal: controller.signal });
    const rejected = expect(deploying).rejects.toMatchObject({ code: 'ABORTED' });
    await settled();
    controller.abort();
    await rejected;
  }

  test('after the confirmation takes the claim back', async () => {
    const { edge, open, clock } = rig();
    const client = await open();
    edge.script = ({ topic, body: { requestId } }) => {
      if (topic.endsWith('/request')) edge.reply('available', { requestId, function: 'f', version: '1.0.0' });
    };
    await abortDeployment(client);
    expect(edge.kinds()).toEqual(['join', 'request', 'confirm', 'release']);
    expect(clock.timers).toBe(0);
  });

  test('also when the edge deploys without waiting for a confirmation', async () => {
    const { edge, open } = rig();
    const client = await open();
    edge.script = ({ topic, body: { requestId } }) => {
      if (topic.endsWith('/request')) edge.reply('progress', { requestId, function: 'f', stage: 'fetching' });
    };
    await abortDeployment(client);
    expect(edge.kinds()).toEqual(['join', 'request', 'release']);
  });

  test('leaves nothing to take back before', async () => {
    const { edge, open } = rig();
    await abortDeployment(await open());
    expect(edge.kinds()).toEqual(['join', 'request']);
  });

  test('leaves the function to a handle that still uses it', async () => {
    const { edge, open } = rig();
    const client = await open();
    edge.script = obliging(edge);
    await client.deploy('f');
    edge.script = ({ topic, body: { requestId } }) => {
      if (topic.endsWith('/request')) edge.reply('available', { requestId, function: 'f', version: '1.0.0' });
    };
    await abortDeployment(client);
    expect(edge.kinds()).not.toContain('release');
  });
});

test('bad arguments are refused before anything is sent', async () => {
  const { edge, open } = rig();
  const client = await open();
  const refused = (field: string) => ({ code: 'BAD_REQUEST', field });
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  await expect(client.deploy('a/b')).rejects.toMatchObject(refused('function'));
  await expect(client.send('#')).rejects.toMatchObject(refused('function'));
  await expect(client.invoke('f', 1, { timeout: -1 })).rejects.toMatchObject(refused('timeout'));
  await expect(client.invoke('f', 1, { location: 'moon' as 'edge' })).rejects.toMatchObject(
    refused('location'),
  );
  await expect(client.invoke('f', cycle)).rejects.toMatchObject(refused('input'));
  await expect(client.invoke('f', 'ü'.repeat(65_536))).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  expect(edge.kinds()).toEqual(['join']);
});

test('status and failures that no request waits for are events', async () => {
  const { edge, open } = rig();
  const client = await open();
  const statuses: unknown[] = [];
  const failures: unknown[] = [];
  client.on('status', (status) => statuses.push(status));
  client.on('failed', ({ requestId, error }) => failures.push([requestId, error.code]));
  edge.say('edge/status', JSON.stringify({ state: 'ready', revision: 3, edge: 'core-1' }));
  edge.say('edge/status', 'garbage');
  edge.reply('failed', { requestId: 'call-1', error: { code: 'FUNCTION_ERROR', message: 'no' } });
  edge.reply('failed', { error: { code: 'BAD_REQUEST', message: 'no' } });
  edge.say('edge/sensor-1/reply/result', '{');
  edge.reply('result', { requestId: 'nobody' });
  edge.reply('failed', { requestId: 'x', error: { code: 'QUEUE_FULL', message: '' } }, 'sensor-2');
  await settled();
  expect(statuses).toEqual([{ state: 'ready', revision: 3, edge: 'core-1' }]);
  expect(client.status).toEqual(statuses[0]);
  expect(failures).toEqual([
    ['call-1', 'FUNCTION_ERROR'],
    [undefined, 'BAD_REQUEST'],
    [undefined, 'INTERNAL'],
  ]);
});

test('a prefetch that nobody waits for does not end the process when it fails', async () => {
  const { edge, open } = rig();
  const client = await open();
  edge.script = ({ body: { requestId } }) =>
    edge.reply('failed', { requestId, error: { code: 'NOT_ENTITLED', message: 'no' } });
  void client.prefetch('f');
  await settled();
  await expect(client.prefetch('f')).rejects.toMatchObject({ code: 'NOT_ENTITLED' });
});
