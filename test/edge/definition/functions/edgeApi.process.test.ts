import { edgeApi, type AskHandler, type CallOrigin } from '../../../../edge/definition/functions/edgeApi';
import { createFunctionHost } from '../../../../runtime/host';
import type { InvokeAsk } from '../../../../edge/definition/functions/edgeApi';
import type { FunctionCall, FunctionHost, FunctionSpec } from '../../../../runtime/types';
import { EdgeError, MAX_MQTT_PAYLOAD } from '../../../../protocol';
import { buildProcessScript, silent, specOf, until } from '../../../runtime/support';

/** Functions in real processes, and a core that answers as the test says. */
let processScript: string;
let host: FunctionHost;
let published: { origin: CallOrigin; topic: string; payload: string }[];
let invoked: { origin: CallOrigin; ask: InvokeAsk; answer: (output: unknown) => void }[];
let onInvoke: ((ask: InvokeAsk, origin: CallOrigin) => Promise<unknown>) | undefined;
let count = 0;

const asks: AskHandler = {
  publish(origin, topic, payload) {
    if (topic === 'forbidden') throw new EdgeError('NOT_PERMITTED', 'not there', { details: { topic } });
    published.push({ origin, topic, payload });
  },
  invoke: (origin, ask) =>
    onInvoke?.(ask, origin) ?? new Promise((answer) => invoked.push({ origin, ask, answer })),
};

beforeAll(() => {
  processScript = buildProcessScript();
});
beforeEach(() => {
  [published, invoked, onInvoke] = [[], [], undefined];
  host = createFunctionHost({ processScript, poolSize: 1, log: silent, api: edgeApi(asks) });
});
afterEach(() => host.close());

async function started(source: string, spec: Partial<FunctionSpec> = {}): Promise<string> {
  const key = `fn@${(count += 1)}`;
  await host.start(
    key,
    specOf({ 'index.js': source }, { rights: { publishes: ['alerts'], invokes: ['other'] }, ...spec }),
  );
  return key;
}

async function run(source: string, call: Partial<FunctionCall> = {}): Promise<unknown> {
  const origin = { device: 'camera-1', hops: 2 };
  const key = await started(source);
  return (await host.invoke(key, { requestId: 'r1', event: {}, origin, ...call })).output;
}

const CAUGHT = `.catch((error) => ({ name: error.name, code: error.code, message: error.message,
  details: error.details, retryable: error.retryable }))`;

it('publishes and invokes, each ask with what it may', async () => {
  onInvoke = async ({ input }) => ({ doubled: (input as number) * 2 });
  const output = await run(`exports.handler = async (event, { edge }) => {
    await edge.publish('alerts', { n: 1 });
    await edge.publish('alerts');
    return edge.invoke('other', 21, { location: 'any', version: '^1', timeout: 99.5 });
  }`);
  expect(output).toEqual({ doubled: 42 });
  expect(published.map(({ topic, payload }) => [topic, payload])).toEqual([
    ['alerts', '{"n":1}'],
    ['alerts', 'null'],
  ]);
  expect(published[0]?.origin).toMatchObject({
    functionName: 'fn',
    functionVersion: '1.0.0',
    publishes: ['alerts'],
    invokes: ['other'],
    device: 'camera-1',
    hops: 2,
  });
});

it('hands the function its options and the time that is left', async () => {
  const running = run(
    `exports.handler = async (event, { edge }) =>
      edge.invoke('other', undefined, { location: 'cloud', version: '1.x', timeout: 99.5 })`,
    { timeoutMs: 5_000 },
  );
  await until(() => invoked.length === 1);
  const [{ ask, origin, answer } = fail()] = invoked;
  expect(ask).toMatchObject({ function: 'other', location: 'cloud', version: '1.x', timeoutMs: 100 });
  expect(origin.remainingMs()).toBeGreaterThan(0);
  expect(origin.remainingMs()).toBeLessThanOrEqual(5_000);
  answer(undefined);
  await expect(running).resolves.toBeNull();
});

it('a refusal is an error with its code, which the function can catch', async () => {
  const caught = await run(
    `exports.handler = async (event, { edge }) => edge.publish('forbidden', 1)${CAUGHT}`,
  );
  expect(caught).toEqual({
    name: 'EdgeError',
    code: 'NOT_PERMITTED',
    message: 'not there',
    details: { topic: 'forbidden' },
    retryable: false,
  });
  await expect(
    run(`exports.handler = async (event, { edge }) => edge.publish('forbidden', 1)`),
  ).rejects.toMatchObject({ code: 'FUNCTION_ERROR', details: { errorType: 'EdgeError' } });
});

it.each([
  ['a topic that is no text', 'edge.publish(1, 1)', 'BAD_REQUEST'],
  ['no topic', 'edge.publish("", 1)', 'BAD_REQUEST'],
  ['a payload that is no JSON', 'edge.publish("alerts", 1n)', 'BAD_REQUEST'],
  ['no function', 'edge.invoke()', 'BAD_REQUEST'],
  ['another location', 'edge.invoke("other", 1, { location: "moon" })', 'BAD_REQUEST'],
  ['a timeout of nothing', 'edge.invoke("other", 1, { timeout: 0 })', 'BAD_REQUEST'],
  ['a version that is no text', 'edge.invoke("other", 1, { version: 1 })', 'BAD_REQUEST'],
  ['too much to publish', `edge.publish("alerts", "x".repeat(${MAX_MQTT_PAYLOAD}))`, 'PAYLOAD_TOO_LARGE'],
  ['too much to pass on', `edge.invoke("other", "x".repeat(${MAX_MQTT_PAYLOAD}))`, 'PAYLOAD_TOO_LARGE'],
])('%s is refused before the core hears of it', async (_what, expression, code) => {
  const caught = await run(
    `exports.handler = async (event, { edge }) => (async () => ${expression})()${CAUGHT}`,
  );
  expect(caught).toMatchObject({ code });
  expect([published, invoked]).toEqual([[], []]);
});

it('just 128 KB pass, both ways; more than that does not come back', async () => {
  const most = 'x'.repeat(MAX_MQTT_PAYLOAD - 2);
  onInvoke = async ({ input }) => (input === 'too much' ? `${most}x` : input);
  const echo = `exports.handler = async (event, { edge }) => edge.invoke('other', event.input)${CAUGHT}`;
  await expect(run(echo, { event: { input: most } })).resolves.toBe(most);
  await expect(run(echo, { event: { input: 'too much' } })).resolves.toMatchObject({
    code: 'RESULT_TOO_LARGE',
  });
});

it('16 asks at once, the others wait their turn', async () => {
  const running = run(`exports.handler = async (event, { edge }) =>
    Promise.all(Array.from({ length: 40 }, (_, n) => edge.invoke('other', n)))`);
  await until(() => invoked.length === 16);
  let answered = 0;
  while (answered < 40) {
    await until(() => invoked.length > answered);
    expect(invoked.length - answered).toBeLessThanOrEqual(16);
    const { ask, answer } = invoked[answered] ?? fail();
    answer(ask.input);
    answered += 1;
  }
  await expect(running).resolves.toEqual(Array.from({ length: 40 }, (_, n) => n));
});

it('a process that does not keep to that is refused', async () => {
  const running = run(`exports.handler = () => {
    const { writeSync } = require('node:fs');
    for (let id = 1001; id <= 1020; id += 1) {
      const json = JSON.stringify({ type: 'ask', id, requestId: 'r1', method: 'invoke', parameters: { function: 'other' } });
      const frame = Buffer.alloc(4 + json.length);
      frame.writeUInt32BE(json.length);
      frame.write(json, 4);
      writeSync(3, frame);
    }
    return new Promise((resolve) => setTimeout(resolve, 50, 'done'));
  }`);
  await expect(running).resolves.toBe('done');
  expect(invoked).toHaveLength(16);
});

it('a process that asks without end and reads no answer is ended, before its answers fill the core', async () => {
  onInvoke = async () => 'x'.repeat(100_000);
  const running = run(`exports.handler = () => {
    const { writeSync } = require('node:fs');
    const json = JSON.stringify({ type: 'ask', id: 1001, requestId: 'r1', method: 'invoke', parameters: { function: 'other' } });
    const frame = Buffer.alloc(4 + json.length);
    frame.writeUInt32BE(json.length);
    frame.write(json, 4);
    for (let at = 0; ; ) {
      try { at = (at + writeSync(3, frame, at)) % frame.length; }
      catch (error) { if (error.code !== 'EAGAIN') throw error; }
    }
  }`);
  await expect(running).rejects.toMatchObject({
    code: 'FUNCTION_EXITED',
    message: expect.stringContaining('unread') as string,
  });
});

it('a callback-style handler that waits for an answer is not over', async () => {
  const running = run(`exports.handler = (event, { edge }, callback) => {
    edge.invoke('other', 1).then((output) => callback(null, output), callback);
  }`);
  await until(() => invoked.length === 1);
  invoked[0]?.answer('late');
  await expect(running).resolves.toBe('late');
});

it('a handler that waits for nothing ends, though its process once waited for an answer', async () => {
  onInvoke = async () => 1;
  const key = await started(`exports.handler = (event, { edge }) => {
    if (event.ask) return edge.invoke('other');
  }`);
  await expect(host.invoke(key, { requestId: 'a', event: { ask: true } })).resolves.toMatchObject({
    output: 1,
  });
  await expect(host.invoke(key, { requestId: 'b', event: {} })).resolves.toMatchObject({ output: null });
});

it('an ask of a call that is over is refused, and harms no later call', async () => {
  const key = await started(`let left; exports.handler = async (event, { edge }) => {
    if (event.leave) { left = edge; return 'left'; }
    return left.publish('alerts', 1)${CAUGHT};
  }`);
  await host.invoke(key, { requestId: 'first', event: { leave: true } });
  const { output } = await host.invoke(key, { requestId: 'second', event: {} });
  expect(output).toMatchObject({ code: 'CLOSED' });
  expect(published).toEqual([]);
});

it('an answer to an instance that was ended meanwhile goes nowhere', async () => {
  const key = await started(`exports.handler = async (event, { edge }) => edge.invoke('other')`, {
    timeoutMs: 2_000,
  });
  await expect(host.invoke(key, { requestId: 'r1', event: {} })).rejects.toMatchObject({
    code: 'FUNCTION_TIMED_OUT',
  });
  invoked[0]?.answer('too late');
  onInvoke = async () => 'in time';
  await expect(host.invoke(key, { requestId: 'r2', event: {} })).resolves.toMatchObject({
    output: 'in time',
  });
});

it('without someone who answers there is no context.edge, as on Lambda', async () => {
  const alone = createFunctionHost({ processScript, poolSize: 0, log: silent });
  try {
    await alone.start(
      'fn',
      specOf({ 'index.js': 'exports.handler = async (e, context) => "edge" in context' }),
    );
    await expect(alone.invoke('fn', { requestId: 'r1', event: {} })).resolves.toMatchObject({
      output: false,
    });
  } finally {
    await alone.close();
  }
});

function fail(): never {
  throw new Error('nothing was asked');
}
