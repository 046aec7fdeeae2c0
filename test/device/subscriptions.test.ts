import { EdgeClient } from '../../device/client';
import { DeviceSession } from '../../device/session';
import { settled, TestClock } from './support/clock';
import { MemoryEdge } from './support/memoryEdge';

const address = { thingName: 'sensor-1', prefix: 'edge' };

async function connected() {
  const [edge, clock] = [new MemoryEdge(), new TestClock()];
  const world = {
    locate: async () => [{ host: 'edge.local', port: 1 }],
    openLink: edge.openLink,
    clock,
    random: () => 0,
    newId: () => 'id',
  };
  const options = { ...address, client: { name: 'test', version: '1.0.0' } };
  const client = EdgeClient.over(await DeviceSession.open(options, world, { timeoutMs: 15_000 }), address);
  const shared = () => edge.subscribed.filter((filter) => filter.startsWith('edge/shared/'));
  return { edge, clock, client, shared };
}

test('hears what is published below its filter, and nothing after close', async () => {
  const { edge, client, shared } = await connected();
  const heard: unknown[] = [];
  const alerts = await client.subscribe('alerts/+', (payload, topic) => heard.push([topic, payload]));
  expect(shared()).toEqual(['edge/shared/alerts/+']);
  expect(alerts.topic).toBe('alerts/+');
  edge.say('edge/shared/alerts/line-1', '{"n":1}');
  edge.say('edge/shared/reports/line-1', '{"n":2}');
  edge.say('edge/shared/alerts/line-2', '[3]');
  edge.say('edge/shared/alerts/line-3', 'null');
  await settled();
  expect(heard).toEqual([
    ['alerts/line-1', { n: 1 }],
    ['alerts/line-2', [3]],
    ['alerts/line-3', null],
  ]);
  await alerts.close();
  await alerts.close();
  expect(edge.unsubscribed).toEqual(['edge/shared/alerts/+']);
  edge.say('edge/shared/alerts/line-1', '4');
  await settled();
  expect(heard).toHaveLength(3);
});

test('two listeners to one filter share a subscription; each filter that matches hears it once', async () => {
  const { edge, client, shared } = await connected();
  const heard: string[] = [];
  const listener = () => heard.push('same');
  const [first, second] = [await client.subscribe('a/b', listener), await client.subscribe('a/b', listener)];
  await client.subscribe('#', () => heard.push('all'));
  expect(shared()).toEqual(['edge/shared/a/b', 'edge/shared/#']);
  edge.say('edge/shared/a/b', '1');
  await settled();
  expect(heard.sort()).toEqual(['all', 'same', 'same']);
  await first.close();
  expect(edge.unsubscribed).toEqual([]);
  await second.close();
  expect(edge.unsubscribed).toEqual(['edge/shared/a/b']);
});

test('subscribes again on every new link, before anybody hears that there is one', async () => {
  const { edge, clock, client, shared } = await connected();
  const heard: unknown[] = [];
  await client.subscribe('a', (payload) => heard.push(payload));
  client.on('reconnected', () => edge.say('edge/shared/a', '"again"'));
  edge.cut();
  await settled();
  await clock.pass(100);
  expect(shared()).toEqual(['edge/shared/a', 'edge/shared/a']);
  await settled();
  expect(heard).toEqual(['again']);
});

test('without a connection it waits for the next one, or until its time is up', async () => {
  const { edge, clock, client } = await connected();
  edge.dead.add(1);
  edge.cut();
  await settled();
  const late = client.subscribe('late', () => undefined, { timeout: 50 });
  const inTime = client.subscribe('inTime', () => undefined);
  const failed = expect(late).rejects.toMatchObject({ code: 'TIMED_OUT' });
  await clock.pass(60);
  await failed;
  edge.dead.delete(1);
  await clock.pass(1_000);
  await expect(inTime).resolves.toMatchObject({ topic: 'inTime' });
  expect(edge.subscribed).toContain('edge/shared/inTime');
  expect(edge.subscribed).not.toContain('edge/shared/late');
});

test('abort and close', async () => {
  const { edge, clock, client } = await connected();
  edge.dead.add(1);
  edge.cut();
  await settled();
  const controller = new AbortController();
  const given = client.subscribe('a', () => undefined, { signal: controller.signal });
  const aborted = expect(given).rejects.toMatchObject({ code: 'ABORTED' });
  controller.abort();
  await aborted;
  const waiting = expect(client.subscribe('b', () => undefined)).rejects.toMatchObject({ code: 'CLOSED' });
  await client.close();
  await waiting;
  await expect(client.subscribe('c', () => undefined)).rejects.toMatchObject({ code: 'CLOSED' });
  await clock.pass(1);
  expect(clock.timers).toBe(0);
});

test('an edge that refuses a filter is no edge to hang up on', async () => {
  const { edge, clock, client } = await connected();
  edge.refuses.add('edge/shared/secret');
  await expect(client.subscribe('secret', () => undefined)).rejects.toMatchObject({
    code: 'FORBIDDEN_TOPIC',
  });
  await client.subscribe('open', () => undefined);
  edge.refuses.add('edge/shared/open');
  const failures: string[] = [];
  client.on('failed', ({ error }) => failures.push(error.code));
  edge.cut();
  await settled();
  await clock.pass(100);
  expect(client.connected).toBe(true);
  expect(failures).toContain('FORBIDDEN_TOPIC');
});

test('an unreadable message is an event, and the next one is heard', async () => {
  const { edge, client } = await connected();
  const [heard, failures]: [unknown[], string[]] = [[], []];
  client.on('failed', ({ error }) => failures.push(error.code));
  await client.subscribe('a', (payload) => heard.push(payload));
  edge.say('edge/shared/a', 'rubbish');
  edge.say('edge/shared/a', '1');
  await settled();
  expect(failures).toEqual(['INTERNAL']);
  expect(heard).toEqual([1]);
});

test.each(['', '/a', 'a/', 'a//b', 'a/#/b', 'a+', 'x'.repeat(260), 'a/b/c/d/e/f/g'])(
  'refuses %j at once',
  async (topic) => {
    const { client, shared } = await connected();
    await expect(client.subscribe(topic, () => undefined)).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      field: 'topic',
    });
    expect(shared()).toEqual([]);
  },
);
