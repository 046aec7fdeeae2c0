import type { EdgeError } from '../../../protocol';
import { type FunctionManifest } from '../../../protocol';
import type { CallOrigin } from '../../../edge/definition/functions/edgeApi';
import type { InvokeAsk } from '../../../edge/definition/functions/edgeApi';
import { startHarness, type Harness } from '../support/harness';
import { settle } from '../support/manualClock';
import { manifestOf } from '../support/memoryCloud';

async function start(functions: readonly FunctionManifest[]): Promise<Harness> {
  const h = await startHarness({ prepare: (cloud) => cloud.addDevices('camera-1') });
  h.cloud.change({
    statics: Object.fromEntries(functions.map(({ name, version }) => [name, { version, seq: 1 }])),
    functions: Object.fromEntries(functions.map((each) => [`${each.name}@${each.version}`, each])),
  });
  await h.clock.advance(10);
  return h;
}

const origin = (more: Partial<CallOrigin> = {}): CallOrigin => ({
  functionName: 'guard',
  functionVersion: '1.0.0',
  publishes: ['alerts/+'],
  invokes: ['count'],
  device: 'camera-1',
  hops: 0,
  remainingMs: () => 5_000,
  ...more,
});

const ask = (more: Partial<InvokeAsk> = {}): InvokeAsk => ({
  function: 'count',
  input: { n: 1 },
  ...more,
});

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => (error as EdgeError).code,
  );

describe('publish', () => {
  test('below the shared topics, where the configuration allows it', async () => {
    const h = await start([]);
    h.system.asks.publish(origin(), 'alerts/line-1', '{"n":1}');
    expect(h.devices.shared).toEqual([{ topic: 'edge/shared/alerts/line-1', payload: '{"n":1}' }]);
  });

  test.each([
    ['NOT_PERMITTED', 'alerts'],
    ['NOT_PERMITTED', 'alerts/line-1/deep'],
    ['NOT_PERMITTED', 'edge/shared/alerts/line-1'],
    ['BAD_REQUEST', 'alerts/+'],
    ['BAD_REQUEST', 'alerts/#'],
    ['BAD_REQUEST', '/alerts'],
    ['BAD_REQUEST', `alerts/${'x'.repeat(250)}`],
  ])('%s for %s', async (code, topic) => {
    const h = await start([]);
    const publish = async () => h.system.asks.publish(origin(), topic, '1');
    expect(await failure(publish())).toBe(code);
    expect(h.devices.shared).toEqual([]);
  });

  test('nowhere without a configuration', async () => {
    const h = await start([]);
    const publish = async () => h.system.asks.publish(origin({ publishes: [] }), 'alerts/line-1', '1');
    expect(await failure(publish())).toBe('NOT_PERMITTED');
  });
});

describe('invoke', () => {
  test('by the function’s own right, for the same device, one hop further, no longer than its caller', async () => {
    const h = await start([manifestOf('count', '1.0.0', { devices: ['line-*'] })]);
    await expect(h.system.asks.invoke(origin({ hops: 2 }), ask())).resolves.toEqual({
      key: 'count@1.0.0',
      event: { n: 1 },
    });
    expect(h.local.calls).toMatchObject([
      { key: 'count@1.0.0', device: 'camera-1', hops: 3, timeoutMs: 5_000 },
    ]);
    await h.system.asks.invoke(origin(), ask({ timeoutMs: 20 }));
    await h.system.asks.invoke(origin(), ask({ timeoutMs: 60_000 }));
    expect(h.local.calls.map(({ timeoutMs }) => timeoutMs)).toEqual([5_000, 20, 5_000]);
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'count', location: 'edge' });
    expect(h.devices.failure('camera-1', 'i1')).toBe('NOT_ENTITLED');
  });

  test.each([
    ['NOT_PERMITTED', { function: 'other' }, {}],
    ['NOT_PERMITTED', {}, { invokes: [] }],
    ['TOO_MANY_HOPS', {}, { hops: 8 }],
    ['BAD_REQUEST', { version: 'nonsense!' }, {}],
    ['FUNCTION_NOT_DEPLOYED', { version: '^2' }, {}],
    ['FUNCTION_NOT_DEPLOYED', { function: 'gone' }, { invokes: ['gone'] }],
    ['TIMED_OUT', {}, { remainingMs: () => 0 }],
  ] as const)('%s: %j %j', async (code, wanted, from) => {
    const h = await start([manifestOf('count', '1.0.0'), manifestOf('other', '1.0.0')]);
    expect(await failure(h.system.asks.invoke(origin(from), ask(wanted)))).toBe(code);
    expect(h.local.calls).toEqual([]);
    expect(h.cloud.invocations).toEqual([]);
  });

  test('in the cloud, in the function’s name', async () => {
    const h = await start([manifestOf('count', '1.0.0')]);
    const called = ask({ location: 'cloud', version: '^1', timeoutMs: 60_000 });
    await expect(h.system.asks.invoke(origin(), called)).resolves.toEqual({ cloud: { n: 1 } });
    expect(h.cloud.invocations).toMatchObject([
      {
        function: 'count',
        request: { device: 'camera-1', caller: 'guard@1.0.0', version: '^1', input: { n: 1 } },
        timeoutMs: 5_000,
      },
    ]);
  });

  test('"any": here where it runs, else in the cloud', async () => {
    const h = await start([manifestOf('count', '1.0.0')]);
    await h.system.asks.invoke(origin(), ask({ location: 'any' }));
    expect(h.local.calls).toHaveLength(1);
    await h.system.asks.invoke(origin({ invokes: ['train'] }), ask({ location: 'any', function: 'train' }));
    expect(h.cloud.invocations).toHaveLength(1);
  });

  test('waits for a function that is about to run here, but no longer than its caller may', async () => {
    const h = await start([]);
    let started: () => void = () => undefined;
    h.local.onStart = () => new Promise((resolve) => (started = resolve));
    h.cloud.change({
      statics: { count: { version: '1.0.0', seq: 1 } },
      functions: { 'count@1.0.0': manifestOf('count', '1.0.0') },
    });
    await settle();
    const inTime = h.system.asks.invoke(origin(), ask());
    const late = failure(h.system.asks.invoke(origin(), ask({ timeoutMs: 100 })));
    await h.clock.advance(150);
    expect(await late).toBe('TIMED_OUT');
    started();
    await expect(inTime).resolves.toMatchObject({ key: 'count@1.0.0' });
  });
});
