import { EdgeError, MAX_MQTT_PAYLOAD } from '../../../protocol';
import { startHarness, type Harness } from '../support/harness';
import { settle } from '../support/manualClock';
import { manifestOf } from '../support/memoryCloud';

const VERSIONS = ['1.0.0', '1.4.0', '2.0.0'];

/** Runs detect 1.0.0 (static), 1.4.0 and 2.0.0, and secret 1.0.0 for camera-1. */
function start(): Promise<Harness> {
  return startHarness({
    prepare(cloud) {
      cloud.addDevices('camera-1', 'camera-2');
      const detect = VERSIONS.map((version) => manifestOf('detect', version));
      const secret = manifestOf('secret', '1.0.0', { devices: ['camera-1'] });
      cloud.change({
        statics: { detect: { version: '1.0.0', seq: 1 } },
        claims: {
          'camera-2/detect': { version: '1.4.0', seq: 1 },
          'camera-9/detect': { version: '2.0.0', seq: 1 },
          'camera-1/secret': { version: '1.0.0', seq: 1 },
        },
        devices: {
          ...cloud.definition.devices,
          'camera-9': { certificateId: '9'.repeat(64), source: 'operator', seq: 1 },
        },
        functions: Object.fromEntries([...detect, secret].map((m) => [`${m.name}@${m.version}`, m])),
      });
    },
  });
}

describe('synchronous', () => {
  test('runs here and returns the result', async () => {
    const h = await start();
    await h.ask('camera-1', 'invoke', {
      requestId: 'i1',
      function: 'detect',
      location: 'edge',
      input: { samples: [1] },
      timeoutMs: 900,
    });
    expect(h.devices.to('camera-1', 'i1')).toMatchObject([
      {
        kind: 'result',
        message: { function: 'detect', version: '1.0.0', location: 'edge', durationMs: 1 },
      },
    ]);
    expect(h.local.calls).toEqual([
      { key: 'detect@1.0.0', requestId: 'i1', device: 'camera-1', event: { samples: [1] }, timeoutMs: 900 },
    ]);
  });

  test.each([
    ['without a claim, the static version', 'camera-1', undefined, '1.0.0'],
    ['the version of the device’s own claim', 'camera-2', undefined, '1.4.0'],
    ['a range: the highest that matches', 'camera-1', '^1', '1.4.0'],
    ['a range above the claim', 'camera-2', '>=1', '2.0.0'],
    ['an exact version', 'camera-2', '1.0.0', '1.0.0'],
  ])('%s', async (_what, device, version, expected) => {
    const h = await start();
    await h.ask(device, 'invoke', {
      requestId: 'i1',
      function: 'detect',
      location: 'edge',
      ...(version !== undefined && { version }),
    });
    expect(h.devices.last(device, 'i1')?.message).toMatchObject({ version: expected });
  });

  test('without claim or static version, the highest', async () => {
    const h = await start();
    h.cloud.change({ statics: { detect: { version: '1.0.0', seq: 2, removed: true } } });
    await settle();
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'detect', location: 'edge' });
    expect(h.devices.last('camera-1', 'i1')?.message).toMatchObject({ version: '2.0.0' });
  });

  test('a version that does not run here', async () => {
    const h = await start();
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'nothing', location: 'edge' });
    await h.ask('camera-1', 'invoke', {
      requestId: 'i2',
      function: 'detect',
      version: '^3',
      location: 'edge',
    });
    expect(h.devices.failure('camera-1', 'i1')).toBe('FUNCTION_NOT_DEPLOYED');
    expect(h.devices.failure('camera-1', 'i2')).toBe('FUNCTION_NOT_DEPLOYED');
  });

  describe('while the function is on its way here', () => {
    /** As after a restart: the definition is in force, its functions still start. */
    async function startSlowly(): Promise<{ h: Harness; started: (ok: boolean) => void }> {
      const h = await start();
      let started: (ok: boolean) => void = () => undefined;
      h.local.onStart = () =>
        new Promise((resolve, reject) => {
          started = (ok) => (ok ? resolve() : reject(new EdgeError('FUNCTION_INIT_FAILED')));
        });
      const late = manifestOf('late', '1.0.0');
      h.cloud.change({
        statics: { ...h.cloud.definition.statics, late: { version: '1.0.0', seq: 1 } },
        functions: { ...h.cloud.definition.functions, 'late@1.0.0': late },
      });
      await settle();
      return { h, started: (ok) => started(ok) };
    }
    const CALL = { requestId: 'i1', function: 'late', location: 'edge' } as const;

    test('a call waits for it, and has the rest of its time', async () => {
      const { h, started } = await startSlowly();
      await h.ask('camera-1', 'invoke', { ...CALL, timeoutMs: 5_000 });
      await h.clock.advance(1_000);
      expect(h.devices.to('camera-1', 'i1')).toEqual([]);
      started(true);
      await settle();
      expect(h.devices.last('camera-1', 'i1')?.kind).toBe('result');
      expect(h.local.calls).toMatchObject([{ key: 'late@1.0.0', timeoutMs: 4_000 }]);
    });

    test('an asynchronous call waits for it, too', async () => {
      const { h, started } = await startSlowly();
      h.system.handlers.call('camera-1', 'late', { requestId: 'c1' });
      await settle();
      started(true);
      await settle();
      expect(h.local.calls).toMatchObject([{ key: 'late@1.0.0', requestId: 'c1' }]);
      expect(h.devices.to('camera-1', 'c1')).toEqual([]);
    });

    test('it does not start: the call fails', async () => {
      const { h, started } = await startSlowly();
      await h.ask('camera-1', 'invoke', CALL);
      started(false);
      await settle();
      expect(h.devices.failure('camera-1', 'i1')).toBe('FUNCTION_NOT_DEPLOYED');
    });

    test('it does not start in time: the call fails', async () => {
      const { h } = await startSlowly();
      await h.ask('camera-1', 'invoke', { ...CALL, timeoutMs: 500 });
      await h.clock.advance(501);
      expect(h.devices.failure('camera-1', 'i1')).toBe('TIMED_OUT');
    });

    test('location any: the edge, where only edges run it', async () => {
      const { h, started } = await startSlowly();
      await h.ask('camera-1', 'invoke', { ...CALL, location: 'any' });
      started(true);
      await settle();
      expect(h.devices.last('camera-1', 'i1')?.message).toMatchObject({ location: 'edge' });
      expect(h.cloud.invocations).toEqual([]);
    });
  });

  test.each(['edge', 'any'] as const)('a device that is not entitled, location %s', async (location) => {
    const h = await start();
    await h.ask('camera-2', 'invoke', { requestId: 'i1', function: 'secret', location });
    expect(h.devices.failure('camera-2', 'i1')).toBe('NOT_ENTITLED');
    expect(h.local.calls).toEqual([]);
    expect(h.cloud.invocations).toEqual([]);
  });

  test('an entitlement that was withdrawn holds from the next call on', async () => {
    const h = await start();
    h.cloud.change({ entitlements: { secret: { devices: ['camera-2'], seq: 1 } } });
    await settle();
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'secret', location: 'edge' });
    await h.ask('camera-1', 'invoke', { requestId: 'i2', function: 'secret', location: 'cloud' });
    await h.ask('camera-2', 'invoke', { requestId: 'i3', function: 'secret', location: 'edge' });
    expect(h.devices.failure('camera-1', 'i1')).toBe('NOT_ENTITLED');
    expect(h.devices.failure('camera-1', 'i2')).toBe('NOT_ENTITLED');
    expect(h.devices.last('camera-2', 'i3')?.kind).toBe('result');
    expect(h.cloud.invocations).toEqual([]);
  });

  test('the function’s error comes back as it is', async () => {
    const h = await start();
    const details = { errorType: 'RangeError', errorMessage: 'no samples' };
    h.local.onCall = async () => {
      throw new EdgeError('FUNCTION_ERROR', 'no samples', { details });
    };
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'detect', location: 'edge' });
    expect(h.devices.last('camera-1', 'i1')?.message).toMatchObject({
      requestId: 'i1',
      error: { code: 'FUNCTION_ERROR', details },
    });
  });

  test('no output is null', async () => {
    const h = await start();
    h.local.onCall = async () => undefined;
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'detect', location: 'edge' });
    expect(h.devices.last('camera-1', 'i1')?.message).toHaveProperty('output', null);
  });

  test.each([
    ['bytes', 'x'.repeat(MAX_MQTT_PAYLOAD)],
    ['characters of several bytes', '€'.repeat(MAX_MQTT_PAYLOAD / 2)],
  ])('a result over the limit, counted in %s', async (_what, output) => {
    const h = await start();
    h.local.onCall = async () => output;
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'detect', location: 'edge' });
    expect(h.devices.failure('camera-1', 'i1')).toBe('RESULT_TOO_LARGE');
  });

  test('a result of just the limit arrives', async () => {
    const h = await start();
    // The envelope of the message does not count.
    h.local.onCall = async () => 'x'.repeat(MAX_MQTT_PAYLOAD - 2);
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'detect', location: 'edge' });
    expect(h.devices.last('camera-1', 'i1')?.kind).toBe('result');
  });

  test('a call whose answer never comes ends in bounded time', async () => {
    const h = await start();
    h.local.onCall = () => new Promise(() => undefined);
    await h.ask('camera-1', 'invoke', {
      requestId: 'i1',
      function: 'detect',
      location: 'edge',
      timeoutMs: 100,
    });
    await h.clock.advance(350);
    expect(h.devices.failure('camera-1', 'i1')).toBe('TIMED_OUT');
  });

  test('a repeated id runs once, while it is at work and afterwards', async () => {
    const h = await start();
    let finish: (output: unknown) => void = () => undefined;
    h.local.onCall = () => new Promise((resolve) => (finish = resolve));
    const message = { requestId: 'i1', function: 'detect', location: 'edge' as const };
    await h.ask('camera-1', 'invoke', message);
    await h.ask('camera-1', 'invoke', message);
    expect(h.devices.kinds('camera-1', 'i1')).toEqual([]);
    finish('first');
    await settle();
    await h.ask('camera-1', 'invoke', message);
    expect(h.devices.kinds('camera-1', 'i1')).toEqual(['result', 'result']);
    expect(h.local.calls).toHaveLength(1);
    await h.ask('camera-2', 'invoke', message);
    expect(h.local.calls).toHaveLength(2);
  });

  test('one device has a bounded number of calls at work', async () => {
    const h = await start();
    h.local.onCall = () => new Promise(() => undefined);
    for (let n = 0; n < 257; n++) {
      h.system.handlers.ask('camera-1', 'invoke', {
        requestId: `i${n}`,
        function: 'detect',
        location: 'edge',
      });
    }
    await settle();
    expect(h.devices.failure('camera-1', 'i256')).toBe('QUEUE_FULL');
    expect(h.local.calls).toHaveLength(256);
  });
});

describe('in the cloud', () => {
  test('location cloud', async () => {
    const h = await start();
    await h.ask('camera-1', 'invoke', {
      requestId: 'i1',
      function: 'train',
      location: 'cloud',
      input: 7,
      version: '^1',
      timeoutMs: 5_000,
    });
    expect(h.devices.last('camera-1', 'i1')).toMatchObject({
      kind: 'result',
      message: { location: 'cloud', version: '1.0.0', output: { cloud: 7 } },
    });
    expect(h.cloud.invocations).toEqual([
      {
        function: 'train',
        request: { requestId: 'i1', device: 'camera-1', input: 7, version: '^1' },
        timeoutMs: 5_000,
      },
    ]);
  });

  test('location any: here if it runs here, else in the cloud', async () => {
    const h = await start();
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'detect', location: 'any' });
    await h.ask('camera-1', 'invoke', {
      requestId: 'i2',
      function: 'detect',
      version: '^3',
      location: 'any',
    });
    expect(h.devices.last('camera-1', 'i1')?.message).toMatchObject({ location: 'edge' });
    expect(h.devices.last('camera-1', 'i2')?.message).toMatchObject({ location: 'cloud' });
  });

  test('the cloud’s refusal, and a cloud that cannot be reached', async () => {
    const h = await start();
    h.cloud.onInvoke = async () => {
      throw new EdgeError('LOCATION_NOT_ALLOWED');
    };
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'train', location: 'cloud' });
    h.cloud.unreachable = true;
    await h.ask('camera-1', 'invoke', { requestId: 'i2', function: 'train', location: 'cloud' });
    expect(h.devices.failure('camera-1', 'i1')).toBe('LOCATION_NOT_ALLOWED');
    expect(h.devices.failure('camera-1', 'i2')).toBe('CLOUD_UNREACHABLE');
  });

  test('a cloud that never answers', async () => {
    const h = await start();
    h.cloud.onInvoke = () => new Promise(() => undefined);
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'train', location: 'cloud' });
    await h.clock.advance(31_000);
    expect(h.devices.failure('camera-1', 'i1')).toBe('TIMED_OUT');
  });
});

describe('asynchronous', () => {
  test('runs once per id, and says nothing when it went well', async () => {
    const h = await start();
    h.system.handlers.call('camera-1', 'detect', { requestId: 'c1', input: 1, version: '^2' });
    h.system.handlers.call('camera-1', 'detect', { requestId: 'c1', input: 1, version: '^2' });
    await settle();
    h.system.handlers.call('camera-1', 'detect', { requestId: 'c1', input: 1, version: '^2' });
    await settle();
    expect(h.local.calls).toMatchObject([{ key: 'detect@2.0.0', event: 1 }]);
    expect(h.devices.kinds('camera-1', 'c1')).toEqual([]);
  });

  test('a failure comes back with the request id, and again when asked again', async () => {
    const h = await start();
    h.local.onCall = async () => {
      throw new EdgeError('FUNCTION_TIMED_OUT');
    };
    h.system.handlers.call('camera-1', 'detect', { requestId: 'c1' });
    h.system.handlers.call('camera-2', 'secret', { requestId: 'c2' });
    h.system.handlers.call('camera-2', 'nothing', { requestId: 'c3' });
    await settle();
    h.system.handlers.call('camera-1', 'detect', { requestId: 'c1' });
    await settle();
    expect(h.devices.kinds('camera-1', 'c1')).toEqual(['failed', 'failed']);
    expect(h.devices.failure('camera-1', 'c1')).toBe('FUNCTION_TIMED_OUT');
    expect(h.devices.failure('camera-2', 'c2')).toBe('NOT_ENTITLED');
    expect(h.devices.failure('camera-2', 'c3')).toBe('FUNCTION_NOT_DEPLOYED');
    expect(h.local.calls).toHaveLength(1);
  });
});
