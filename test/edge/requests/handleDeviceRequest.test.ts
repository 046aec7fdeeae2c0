import { EdgeError, MAX_UPDATE_PAYLOAD, type CoreUpdate } from '../../../protocol';
import { startHarness, type Harness } from '../support/harness';
import { settle } from '../support/manualClock';
import { certificateIdOf, manifestOf } from '../support/memoryCloud';

const DEVICES = Array.from({ length: 12 }, (_, n) => `camera-${n + 1}`);

function start(options: Parameters<typeof startHarness>[0] = {}): Promise<Harness> {
  return startHarness({
    prepare(cloud) {
      cloud.addDevices(...DEVICES);
      cloud.register(manifestOf('detect', '1.0.0'));
      cloud.register(manifestOf('detect', '1.2.0'));
      cloud.register(manifestOf('secret', '1.0.0', { devices: ['camera-1'] }));
    },
    ...options,
  });
}

async function deploy(h: Harness, device: string, name: string, requestId: string, version?: string) {
  await h.ask(device, 'request', { requestId, function: name, ...(version && { version }) });
  await h.ask(device, 'confirm', { requestId });
  await h.clock.advance(50);
}

describe('stages I and II', () => {
  test('request, offer, confirm, ready', async () => {
    const h = await start();
    await h.ask('camera-1', 'request', { requestId: 'r1', function: 'detect', version: '^1' });
    expect(h.devices.kinds('camera-1', 'r1')).toEqual(['progress', 'available']);
    expect(h.devices.last('camera-1', 'r1')?.message).toMatchObject({
      function: 'detect',
      version: '1.2.0',
      expiresInMs: 60_000,
      locations: ['edge'],
    });
    expect(h.local.prefetched.map(({ version }) => version)).toEqual(['1.2.0']);
    expect(h.cloud.updates).toEqual([]);

    await h.ask('camera-1', 'confirm', { requestId: 'r1' });
    await h.clock.advance(50);
    const stages = h.devices
      .to('camera-1', 'r1')
      .filter(({ kind }) => kind === 'progress')
      .map(({ message }) => message['stage']);
    expect(stages.slice(0, 3)).toEqual(['validating', 'confirmed', 'stored']);
    expect(h.devices.last('camera-1', 'r1')).toMatchObject({
      kind: 'ready',
      message: { version: '1.2.0', revision: 1, present: false, callTopic: 'edge/camera-1/call/detect' },
    });
    expect(h.cloud.updates).toHaveLength(1);
    expect(h.cloud.definition.claims['camera-1/detect']).toMatchObject({ version: '1.2.0' });
  });

  test('what a device was told is ready stays, though the last other device has just released it', async () => {
    const h = await start();
    await deploy(h, 'camera-2', 'detect', 'r1');
    h.cloud.onUpdate = () => undefined;
    await h.ask('camera-1', 'request', { requestId: 'r2', function: 'detect' });
    expect(h.devices.last('camera-1', 'r2')).toMatchObject({ kind: 'ready', message: { present: true } });
    const { claims } = h.cloud.definition;
    h.cloud.change({
      claims: { ...claims, 'camera-2/detect': { version: '1.2.0', seq: 99, released: true } },
    });
    await settle();
    expect(h.system.definition().revision).toBe(3);
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'detect', location: 'edge' });
    expect(h.devices.last('camera-1', 'i1')?.kind).toBe('result');
  });

  test('many devices and one function: one validation and one update', async () => {
    const h = await start();
    for (const device of DEVICES) {
      h.system.handlers.ask(device, 'request', { requestId: 'r', function: 'detect' });
    }
    await settle();
    for (const device of DEVICES) h.system.handlers.ask(device, 'confirm', { requestId: 'r' });
    await h.clock.advance(50);
    expect(h.cloud.validations).toHaveLength(1);
    expect(h.cloud.updates).toHaveLength(1);
    expect(h.cloud.updates[0]?.claims).toHaveLength(12);
    for (const device of DEVICES) expect(h.devices.last(device, 'r')?.kind).toBe('ready');
  });

  test('more claims than one update takes: each stays under 2 KB', async () => {
    const long = Array.from({ length: 60 }, (_, n) => `${'d'.repeat(120)}-${n}`);
    const h = await start({
      prepare: (cloud) => (cloud.addDevices(...long), cloud.register(manifestOf('detect', '1.0.0'))),
    });
    for (const device of long)
      h.system.handlers.ask(device, 'request', { requestId: 'r', function: 'detect' });
    await settle();
    for (const device of long) h.system.handlers.ask(device, 'confirm', { requestId: 'r' });
    await h.clock.advance(50);
    expect(h.cloud.updates.flatMap(({ claims }) => claims)).toHaveLength(60);
    for (const update of h.cloud.updates) {
      expect(JSON.stringify(update).length).toBeLessThan(MAX_UPDATE_PAYLOAD);
    }
    for (const device of long) expect(h.devices.last(device, 'r')?.kind).toBe('ready');
  });

  test('a function that runs is ready at once, and the device claims it in the background', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1');
    await h.ask('camera-2', 'request', { requestId: 'r2', function: 'detect' });
    expect(h.devices.kinds('camera-2', 'r2')).toEqual(['ready']);
    expect(h.devices.last('camera-2', 'r2')?.message).toMatchObject({ present: true, version: '1.2.0' });
    await h.clock.advance(50);
    expect(h.cloud.definition.claims['camera-2/detect']).toMatchObject({ version: '1.2.0' });
    expect(h.cloud.validations).toHaveLength(1);

    await h.ask('camera-2', 'request', { requestId: 'r3', function: 'detect' });
    await h.clock.advance(50);
    expect(h.cloud.updates).toHaveLength(2);
  });

  test('a static function needs no claim', async () => {
    const h = await start();
    const manifest = manifestOf('detect', '1.0.0');
    h.cloud.change({
      statics: { detect: { version: '1.0.0', seq: 1 } },
      functions: { 'detect@1.0.0': manifest },
    });
    await h.clock.advance(10);
    await h.ask('camera-1', 'request', { requestId: 'r1', function: 'detect' });
    await h.clock.advance(1_000);
    expect(h.devices.kinds('camera-1', 'r1')).toEqual(['ready']);
    expect(h.cloud.updates).toEqual([]);
  });

  test('a request for a function that is still starting joins the wait', async () => {
    const h = await start();
    let started: () => void = () => undefined;
    h.local.onStart = () => new Promise<void>((resolve) => (started = resolve));
    await deploy(h, 'camera-1', 'detect', 'r1');
    expect(h.local.list().map(({ state }) => state)).toEqual(['starting']);
    await h.ask('camera-2', 'request', { requestId: 'r2', function: 'detect' });
    expect(h.devices.kinds('camera-2', 'r2')).toEqual(['progress']);
    await h.clock.advance(50);
    started();
    await h.clock.advance(50);
    expect(h.devices.last('camera-1', 'r1')?.kind).toBe('ready');
    expect(h.devices.last('camera-2', 'r2')?.kind).toBe('ready');
    expect(h.cloud.validations).toHaveLength(1);
    expect(h.cloud.definition.claims['camera-2/detect']).toBeDefined();
  });
});

test('two devices want two versions at once: both run, each device keeps its own', async () => {
  const h = await start();
  await h.ask('camera-1', 'request', { requestId: 'r', function: 'detect', version: '1.0.0' });
  await h.ask('camera-2', 'request', { requestId: 'r', function: 'detect', version: '^1.1' });
  h.system.handlers.ask('camera-1', 'confirm', { requestId: 'r' });
  h.system.handlers.ask('camera-2', 'confirm', { requestId: 'r' });
  await h.clock.advance(50);
  expect(h.devices.last('camera-1', 'r')).toMatchObject({ kind: 'ready', message: { version: '1.0.0' } });
  expect(h.devices.last('camera-2', 'r')).toMatchObject({ kind: 'ready', message: { version: '1.2.0' } });
  await h.ask('camera-1', 'invoke', { requestId: 'i', function: 'detect', location: 'edge' });
  await h.ask('camera-2', 'invoke', { requestId: 'i', function: 'detect', location: 'edge' });
  expect(h.local.calls.map(({ key }) => key)).toEqual(['detect@1.0.0', 'detect@1.2.0']);
  expect(h.cloud.updates).toHaveLength(1);
});

describe('entitlement', () => {
  test('a refusal concerns only the asker, whoever asked first', async () => {
    const h = await start();
    h.system.handlers.ask('camera-2', 'request', { requestId: 'r', function: 'secret' });
    h.system.handlers.ask('camera-1', 'request', { requestId: 'r', function: 'secret' });
    h.system.handlers.ask('camera-3', 'request', { requestId: 'r', function: 'secret' });
    await settle();
    expect(h.devices.failure('camera-2', 'r')).toBe('NOT_ENTITLED');
    expect(h.devices.failure('camera-3', 'r')).toBe('NOT_ENTITLED');
    expect(h.devices.last('camera-1', 'r')?.kind).toBe('available');
  });

  test('also when the function runs here for another device, with and without the cloud', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'secret', 'r1');
    expect(h.devices.last('camera-1', 'r1')?.kind).toBe('ready');
    await h.ask('camera-2', 'request', { requestId: 'r2', function: 'secret' });
    expect(h.devices.failure('camera-2', 'r2')).toBe('NOT_ENTITLED');
    h.cloud.unreachable = true;
    await h.ask('camera-2', 'request', { requestId: 'r3', function: 'secret' });
    expect(h.devices.failure('camera-2', 'r3')).toBe('NOT_ENTITLED');
  });

  test("the group's own patterns stand above the manifest's", async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1');
    h.cloud.change({ entitlements: { detect: { devices: ['camera-1'], seq: 1 } } });
    await settle();
    await h.ask('camera-2', 'request', { requestId: 'r2', function: 'detect' });
    expect(h.devices.failure('camera-2', 'r2')).toBe('NOT_ENTITLED');
  });

  test('unknown functions and versions are refused with the cloud’s code', async () => {
    const h = await start();
    await h.ask('camera-1', 'request', { requestId: 'r1', function: 'nothing' });
    await h.ask('camera-1', 'request', { requestId: 'r2', function: 'detect', version: '^7' });
    expect(h.devices.failure('camera-1', 'r1')).toBe('FUNCTION_NOT_FOUND');
    expect(h.devices.failure('camera-1', 'r2')).toBe('VERSION_NOT_FOUND');
  });
});

describe('repeated request ids', () => {
  test('are answered from memory at every stage and run once', async () => {
    const h = await start();
    const request = { requestId: 'r1', function: 'detect' };
    h.system.handlers.ask('camera-1', 'request', request);
    h.system.handlers.ask('camera-1', 'request', request);
    await settle();
    expect(h.cloud.validations).toHaveLength(1);
    await h.ask('camera-1', 'request', request);
    expect(h.devices.last('camera-1', 'r1')?.kind).toBe('available');
    h.system.handlers.ask('camera-1', 'confirm', { requestId: 'r1' });
    h.system.handlers.ask('camera-1', 'confirm', { requestId: 'r1' });
    await h.clock.advance(50);
    expect(h.cloud.updates).toHaveLength(1);
    const before = h.devices.to('camera-1', 'r1').length;
    await h.ask('camera-1', 'confirm', { requestId: 'r1' });
    await h.ask('camera-1', 'request', request);
    expect(h.devices.kinds('camera-1', 'r1').slice(before)).toEqual(['ready', 'ready']);
    expect(h.cloud.updates).toHaveLength(1);
  });

  test('a failure is remembered too, for ten minutes', async () => {
    const h = await start();
    h.cloud.unreachable = true;
    await h.ask('camera-1', 'request', { requestId: 'r1', function: 'detect' });
    h.cloud.unreachable = false;
    await h.ask('camera-1', 'request', { requestId: 'r1', function: 'detect' });
    expect(h.devices.failure('camera-1', 'r1')).toBe('CLOUD_UNREACHABLE');
    expect(h.cloud.validations).toHaveLength(1);
    await h.clock.advance(600_000);
    await h.ask('camera-1', 'request', { requestId: 'r1', function: 'detect' });
    expect(h.devices.last('camera-1', 'r1')?.kind).toBe('available');
  });

  test('the same id of another device is another request', async () => {
    const h = await start();
    await h.ask('camera-1', 'request', { requestId: 'r1', function: 'detect' });
    await h.ask('camera-2', 'confirm', { requestId: 'r1' });
    expect(h.devices.failure('camera-2', 'r1')).toBe('NOT_OFFERED');
    expect(h.devices.last('camera-1', 'r1')?.kind).toBe('available');
  });
});

describe('offers', () => {
  test('lapse, and are made again from memory', async () => {
    const h = await start();
    await h.ask('camera-1', 'request', { requestId: 'r1', function: 'detect' });
    await h.clock.advance(60_000);
    await h.ask('camera-1', 'confirm', { requestId: 'r1' });
    expect(h.devices.failure('camera-1', 'r1')).toBe('NOT_OFFERED');
    expect(h.cloud.updates).toEqual([]);
    await deploy(h, 'camera-1', 'detect', 'r1');
    expect(h.devices.last('camera-1', 'r1')?.kind).toBe('ready');
    expect(h.cloud.validations).toHaveLength(1);
  });

  test('a confirm without an offer is refused', async () => {
    const h = await start();
    await h.ask('camera-1', 'confirm', { requestId: 'r9' });
    expect(h.devices.failure('camera-1', 'r9')).toBe('NOT_OFFERED');
  });

  test('one device has a bounded number of open requests; others notice nothing', async () => {
    const h = await start({
      memoryLimits: { open: { deploy: 3, join: 1, release: 1, prefetch: 1, invoke: 1, call: 1 } },
    });
    for (let n = 1; n <= 4; n++) {
      await h.ask('camera-1', 'request', { requestId: `r${n}`, function: 'detect' });
    }
    expect(h.devices.last('camera-1', 'r3')?.kind).toBe('available');
    expect(h.devices.failure('camera-1', 'r4')).toBe('QUEUE_FULL');
    await h.ask('camera-2', 'request', { requestId: 'r1', function: 'detect' });
    expect(h.devices.last('camera-2', 'r1')?.kind).toBe('available');
    await h.clock.advance(60_000);
    await h.ask('camera-1', 'request', { requestId: 'r4', function: 'detect' });
    expect(h.devices.last('camera-1', 'r4')?.kind).toBe('available');
  });
});

describe('when the cloud cannot be reached', () => {
  test('at the validation', async () => {
    const h = await start();
    h.cloud.unreachable = true;
    await h.ask('camera-1', 'request', { requestId: 'r1', function: 'detect' });
    expect(h.devices.failure('camera-1', 'r1')).toBe('CLOUD_UNREACHABLE');
  });

  test('at the confirm: told in bounded time, and nothing is left to be sent', async () => {
    const h = await start();
    await h.ask('camera-1', 'request', { requestId: 'r1', function: 'detect' });
    h.cloud.connected = false;
    await h.ask('camera-1', 'confirm', { requestId: 'r1' });
    await h.clock.advance(7_000);
    expect(h.devices.failure('camera-1', 'r1')).toBe('CLOUD_UNREACHABLE');
    h.cloud.connect();
    await h.clock.advance(60_000);
    expect(h.cloud.updates).toEqual([]);
    expect(JSON.parse(h.outbox.text ?? '{}')).toMatchObject({ entries: [] });
  });

  test('for a moment at the confirm: the claim goes up with the connection', async () => {
    const h = await start();
    await h.ask('camera-1', 'request', { requestId: 'r1', function: 'detect' });
    h.cloud.connected = false;
    await h.ask('camera-1', 'confirm', { requestId: 'r1' });
    await h.clock.advance(2_000);
    h.cloud.connect();
    await h.clock.advance(50);
    expect(h.devices.last('camera-1', 'r1')?.kind).toBe('ready');
  });

  test('after a short loss in the pause that a long one left: it connects for the device that waits', async () => {
    const h = await start();
    h.cloud.onHurry = () => h.cloud.connect();
    h.cloud.onUpdate = () => (h.cloud.connected = false);
    await deploy(h, 'camera-1', 'detect', 'r1');
    expect(h.cloud.connected).toBe(false);
    h.cloud.onUpdate = (update) => h.cloud.absorb(update);
    await h.clock.advance(2_500);
    expect(h.devices.last('camera-1', 'r1')?.kind).toBe('ready');
  });

  test('what nobody waits for leaves the pause as it is', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1');
    let hurried = 0;
    h.cloud.onHurry = () => (hurried += 1);
    h.cloud.connected = false;
    // It runs here for the other device: only the claim has to wait for the cloud.
    await h.ask('camera-2', 'request', { requestId: 'r2', function: 'detect' });
    await h.clock.advance(30_000);
    expect(h.devices.last('camera-2', 'r2')?.kind).toBe('ready');
    expect(hurried).toBe(0);
  });

  test('after the update: sent again under the same id until the deadline', async () => {
    const h = await start();
    h.cloud.onUpdate = () => undefined;
    await deploy(h, 'camera-1', 'detect', 'r1');
    await h.clock.advance(40_000);
    expect(h.cloud.updates.length).toBeGreaterThan(3);
    const ofTheClaim = () => h.cloud.updates.filter(({ claims }) => !claims[0]?.released);
    expect(new Set(ofTheClaim().map(({ requestId }) => requestId)).size).toBe(1);
    expect(h.devices.failure('camera-1', 'r1')).toBe('DEPLOYMENT_TIMED_OUT');
    const sent = ofTheClaim().length;
    await h.clock.advance(60_000);
    expect(ofTheClaim()).toHaveLength(sent);
    // The cloud may have got one of the copies all the same: it is taken back until that is heard.
    expect(h.cloud.updates.at(-1)?.claims).toMatchObject([
      { device: 'camera-1', function: 'detect', released: true },
    ]);
  });

  test('after the acceptance, where somebody else brings functions: the deployment’s own deadline', async () => {
    const h = await start({ bringsFunctions: false });
    h.cloud.onUpdate = (update) => h.cloud.accept(update.requestId);
    await deploy(h, 'camera-1', 'detect', 'r1');
    expect(h.devices.last('camera-1', 'r1')?.message).toMatchObject({ stage: 'stored' });
    await h.clock.advance(60_000);
    expect(h.devices.failure('camera-1', 'r1')).toBe('DEPLOYMENT_TIMED_OUT');
  });

  test('after the acceptance: the claim is in force without a definition that shows it', async () => {
    const h = await start();
    h.cloud.onUpdate = (update) => {
      h.cloud.unreachable = true;
      h.cloud.accept(update.requestId);
      h.cloud.absorb(update);
    };
    await deploy(h, 'camera-1', 'detect', 'r1');
    expect(h.devices.last('camera-1', 'r1')).toMatchObject({ kind: 'ready', message: { revision: 1 } });
    const again = await h.crashAndRestart();
    await again.ask('camera-1', 'invoke', { requestId: 'i1', function: 'detect', location: 'edge' });
    expect(again.devices.last('camera-1', 'i1')?.kind).toBe('result');
    h.cloud.unreachable = false;
    await again.clock.advance(2_000);
    expect(again.system.definition()).toMatchObject({ revision: 2, claims: { 'camera-1/detect': {} } });
    expect(JSON.parse(again.outbox.text ?? '{}')).not.toHaveProperty('accepted');
  });
});

describe('refusals and failures of a deployment', () => {
  test('a refused update fails the request with the cloud’s reason', async () => {
    const h = await start();
    h.cloud.onUpdate = ({ requestId }) => h.cloud.refuse(requestId, new EdgeError('NOT_ENTITLED'));
    await deploy(h, 'camera-1', 'detect', 'r1');
    expect(h.devices.failure('camera-1', 'r1')).toBe('NOT_ENTITLED');
  });

  test('of several in one update, only the refused one fails', async () => {
    const h = await start();
    const absorb = h.cloud.onUpdate;
    h.cloud.onUpdate = (update: CoreUpdate) => {
      if (update.claims.some(({ device }) => device === 'camera-2')) {
        h.cloud.refuse(update.requestId, new EdgeError('DEVICE_REVOKED'));
      } else absorb(update);
    };
    for (const device of DEVICES.slice(0, 3)) {
      await h.ask(device, 'request', { requestId: 'r', function: 'detect' });
    }
    for (const device of DEVICES.slice(0, 3)) h.system.handlers.ask(device, 'confirm', { requestId: 'r' });
    await h.clock.advance(100);
    expect(h.devices.last('camera-1', 'r')?.kind).toBe('ready');
    expect(h.devices.failure('camera-2', 'r')).toBe('DEVICE_REVOKED');
    expect(h.devices.last('camera-3', 'r')?.kind).toBe('ready');
  });

  test('a function that does not start: the reason, and the claim is taken back', async () => {
    const h = await start();
    h.local.onStart = async () => {
      throw new EdgeError('HANDLER_NOT_FOUND');
    };
    await deploy(h, 'camera-1', 'detect', 'r1');
    expect(h.devices.failure('camera-1', 'r1')).toBe('HANDLER_NOT_FOUND');
    await h.clock.advance(50);
    expect(h.cloud.definition.claims['camera-1/detect']).toMatchObject({ released: true });
    expect(h.local.list()).toEqual([]);
  });

  test('it concerns those too who joined the wait: their claims are taken back as well', async () => {
    const h = await start();
    let fail: (error: Error) => void = () => undefined;
    h.local.onStart = () => new Promise((_resolve, reject) => (fail = reject));
    await deploy(h, 'camera-1', 'detect', 'r1');
    await h.ask('camera-2', 'request', { requestId: 'r2', function: 'detect' });
    await h.clock.advance(50);
    fail(new EdgeError('FUNCTION_INIT_FAILED'));
    await h.clock.advance(50);
    expect(h.devices.failure('camera-1', 'r1')).toBe('FUNCTION_INIT_FAILED');
    expect(h.devices.failure('camera-2', 'r2')).toBe('FUNCTION_INIT_FAILED');
    expect(h.cloud.definition.claims).toMatchObject({
      'camera-1/detect': { released: true },
      'camera-2/detect': { released: true },
    });
  });

  test('a new version that does not start: the device keeps the one that it had', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1', '1.0.0');
    h.local.onStart = async (key) => {
      if (key === 'detect@1.2.0') throw new EdgeError('FUNCTION_INIT_FAILED');
    };
    await deploy(h, 'camera-1', 'detect', 'r2', '1.2.0');
    expect(h.devices.failure('camera-1', 'r2')).toBe('FUNCTION_INIT_FAILED');
    await h.clock.advance(50);
    expect(h.cloud.definition.claims['camera-1/detect']).toMatchObject({ version: '1.0.0' });
    expect(h.local.get('detect@1.0.0')?.state).toBe('running');
  });

  test('a package that cannot be fetched ahead changes nothing', async () => {
    const h = await start();
    h.local.onPrefetch = async () => {
      throw new EdgeError('CLOUD_UNREACHABLE');
    };
    await deploy(h, 'camera-1', 'detect', 'r1');
    expect(h.devices.last('camera-1', 'r1')?.kind).toBe('ready');
  });

  test('a claim that cannot be stored is not sent, and the device is told', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1');
    const sent = h.cloud.updates.length;
    h.outbox.fails = true;
    await h.ask('camera-2', 'request', { requestId: 'r2', function: 'detect' });
    await h.ask('camera-3', 'request', { requestId: 'r3', function: 'detect', version: '1.0.0' });
    await h.ask('camera-3', 'confirm', { requestId: 'r3' });
    await h.clock.advance(50);
    for (const [device, requestId] of [
      ['camera-2', 'r2'],
      ['camera-3', 'r3'],
    ] as const) {
      expect(h.devices.failure(device, requestId)).toBe('INTERNAL');
    }
    expect(h.cloud.updates).toHaveLength(sent);
  });

  test('what nobody waits for is stored and sent when the disk takes it again', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1');
    h.cloud.onUpdate = () => undefined;
    await deploy(h, 'camera-2', 'detect', 'r2', '1.0.0');
    h.outbox.fails = true;
    // The claim is taken back when the cloud does not answer in time.
    await h.clock.advance(60_000);
    h.outbox.fails = false;
    h.cloud.onUpdate = (update) => {
      h.cloud.accept(update.requestId);
      h.cloud.absorb(update);
    };
    await h.clock.advance(120_000);
    expect(h.cloud.definition.claims['camera-2/detect']).toMatchObject({ released: true });
  });

  test('a release that was not answered is not undone by what the device asks next', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1');
    const late: (() => void)[] = [];
    h.cloud.onUpdate = (update) => {
      late.push(() => {
        h.cloud.accept(update.requestId);
        h.cloud.absorb(update);
      });
    };
    await h.ask('camera-1', 'release', { requestId: 'r2', function: 'detect' });
    await h.clock.advance(31_000);
    expect(h.devices.failure('camera-1', 'r2')).toBe('DEPLOYMENT_TIMED_OUT');
    await h.ask('camera-1', 'request', { requestId: 'r3', function: 'detect' });
    await h.clock.advance(50);
    expect(h.devices.last('camera-1', 'r3')?.kind).toBe('ready');
    for (const arrive of late.reverse()) arrive();
    await h.clock.advance(50);
    expect(h.cloud.definition.claims['camera-1/detect']).not.toHaveProperty('released');
    await h.ask('camera-1', 'invoke', { requestId: 'i1', function: 'detect', location: 'edge' });
    expect(h.devices.last('camera-1', 'i1')?.kind).toBe('result');
  });

  test('ready for what runs here comes when the claim is on the disk: a crash does not lose it', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1');
    h.cloud.onUpdate = () => undefined;
    await h.ask('camera-2', 'request', { requestId: 'r2', function: 'detect' });
    expect(h.devices.last('camera-2', 'r2')?.kind).toBe('ready');
    h.cloud.onUpdate = (update) => {
      h.cloud.accept(update.requestId);
      h.cloud.absorb(update);
    };
    const again = await h.crashAndRestart();
    await again.clock.advance(50);
    expect(h.cloud.definition.claims['camera-2/detect']).toMatchObject({ version: '1.2.0' });
  });
});

describe('restart', () => {
  test('between confirm and ready: the claim is sent again and the function comes', async () => {
    const h = await start();
    h.cloud.onUpdate = () => undefined;
    await deploy(h, 'camera-1', 'detect', 'r1');
    const seq = h.cloud.updates[0]?.claims[0]?.seq;
    h.cloud.onUpdate = (update) => {
      h.cloud.accept(update.requestId);
      h.cloud.absorb(update);
    };
    const again = await h.crashAndRestart();
    await again.clock.advance(50);
    expect(h.cloud.definition.claims['camera-1/detect']).toMatchObject({ version: '1.2.0', seq });
    await again.ask('camera-1', 'request', { requestId: 'r2', function: 'detect' });
    expect(again.devices.last('camera-1', 'r2')).toMatchObject({ kind: 'ready', message: { present: true } });
    await again.clock.advance(50);
    expect(JSON.parse(again.outbox.text ?? '{}')).toMatchObject({ entries: [] });
  });

  test('while the cloud is away: the stored functions serve, the claim waits for the connection', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1', '1.0.0');
    h.cloud.onUpdate = () => undefined;
    await deploy(h, 'camera-1', 'detect', 'r2', '1.2.0');
    h.cloud.connected = false;
    h.cloud.unreachable = true;
    const again = await h.crashAndRestart();
    await again.ask('camera-1', 'request', { requestId: 'r3', function: 'detect' });
    expect(again.devices.last('camera-1', 'r3')).toMatchObject({
      kind: 'ready',
      message: { version: '1.0.0' },
    });
    await again.clock.advance(600_000);
    h.cloud.unreachable = false;
    const sent = h.cloud.updates.length;
    h.cloud.connect();
    await again.clock.advance(10);
    expect(h.cloud.updates.length).toBeGreaterThan(sent);
  });

  test('numbers continue above the stored one and above those of the definition', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1');
    const again = await h.crashAndRestart();
    await deploy(again, 'camera-2', 'secret', 'r');
    await deploy(again, 'camera-1', 'secret', 'r');
    const seqs = h.cloud.updates.flatMap(({ claims }) => claims.map(({ seq }) => seq));
    expect(seqs).toEqual([1, 2]);

    h.cloud.change({ claims: { 'camera-9/detect': { version: '1.0.0', seq: 5_000 } } });
    await again.clock.advance(10);
    await deploy(again, 'camera-3', 'detect', 'r');
    await again.clock.advance(50);
    expect(h.cloud.updates.at(-1)?.claims[0]?.seq).toBe(5_001);
  });

  test('an unreadable outbox starts empty, and its numbers still win', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1');
    h.outbox.text = '{';
    const again = await h.crashAndRestart();
    await again.ask('camera-1', 'release', { requestId: 'r2', function: 'detect' });
    await again.clock.advance(50);
    expect(again.devices.last('camera-1', 'r2')?.kind).toBe('released');
    expect(h.cloud.definition.claims['camera-1/detect']).toMatchObject({ seq: 2, released: true });
  });
});

describe('release and prefetch', () => {
  test('a release is a tombstone; the function goes when nobody claims it', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1');
    await h.ask('camera-1', 'release', { requestId: 'r2', function: 'detect' });
    await h.clock.advance(50);
    expect(h.devices.last('camera-1', 'r2')?.kind).toBe('released');
    expect(h.cloud.updates.at(-1)?.claims[0]).toMatchObject({ released: true, version: '1.2.0' });
    expect(h.local.list()).toEqual([]);
  });

  test('releasing what is not held is done already', async () => {
    const h = await start();
    await h.ask('camera-1', 'release', { requestId: 'r1', function: 'detect' });
    expect(h.devices.kinds('camera-1', 'r1')).toEqual(['released']);
    expect(h.cloud.updates).toEqual([]);
  });

  test('a release tells the request that still waits', async () => {
    const h = await start();
    h.local.onStart = () => new Promise(() => undefined);
    await deploy(h, 'camera-1', 'detect', 'r1');
    await h.ask('camera-1', 'release', { requestId: 'r2', function: 'detect' });
    expect(h.devices.failure('camera-1', 'r1')).toBe('ABORTED');
  });

  test('a release without the cloud fails in bounded time', async () => {
    const h = await start();
    await deploy(h, 'camera-1', 'detect', 'r1');
    h.cloud.connected = false;
    await h.ask('camera-1', 'release', { requestId: 'r2', function: 'detect' });
    await h.clock.advance(7_000);
    expect(h.devices.failure('camera-1', 'r2')).toBe('CLOUD_UNREACHABLE');
  });

  test('prefetch brings the package and nothing else', async () => {
    const h = await start();
    await h.ask('camera-1', 'prefetch', { requestId: 'r1', function: 'detect', version: '1.0.0' });
    expect(h.devices.last('camera-1', 'r1')).toMatchObject({
      kind: 'prefetched',
      message: { version: '1.0.0', size: 10 },
    });
    await h.clock.advance(1_000);
    expect(h.cloud.updates).toEqual([]);
    expect(h.local.list()).toEqual([]);
  });
});

describe('join', () => {
  test('a device of the definition is joined at once', async () => {
    const h = await start();
    await h.ask('camera-1', 'join', { requestId: 'r1' });
    expect(h.devices.last('camera-1', 'r1')).toMatchObject({
      kind: 'joined',
      message: { edge: 'core-1', revision: 1 },
    });
  });

  test('a device that moved here: one join update, joined when a definition shows it', async () => {
    const h = await start();
    h.moved.set('rover-1', certificateIdOf('rover-1'));
    let absorb: () => void = () => undefined;
    h.cloud.onUpdate = (update) => {
      absorb = () => h.cloud.absorb(update);
      h.cloud.accept(update.requestId);
    };
    await h.ask('rover-1', 'join', { requestId: 'r1' });
    await h.ask('rover-1', 'join', { requestId: 'r1b' });
    await h.clock.advance(50);
    // Accepted, but validateFunction would not know it yet.
    expect(h.devices.kinds('rover-1', 'r1')).toEqual([]);
    expect(h.cloud.updates.map(({ joins }) => joins)).toMatchObject([[{ device: 'rover-1' }]]);
    absorb();
    await settle();
    const { revision } = h.cloud.definition;
    expect(h.devices.last('rover-1', 'r1')).toMatchObject({ kind: 'joined', message: { revision } });
    expect(h.devices.last('rover-1', 'r1b')?.kind).toBe('joined');
    expect(h.cloud.definition.devices['rover-1']).toMatchObject({ source: 'core' });
    await h.ask('rover-1', 'join', { requestId: 'r2' });
    expect(h.devices.last('rover-1', 'r2')?.kind).toBe('joined');
    expect(h.cloud.updates).toHaveLength(1);
  });

  test('a join that no definition shows is answered in bounded time', async () => {
    const h = await start();
    h.moved.set('rover-1', certificateIdOf('rover-1'));
    h.cloud.onUpdate = ({ requestId }) => h.cloud.accept(requestId);
    await h.ask('rover-1', 'join', { requestId: 'r1' });
    await h.clock.advance(30_000);
    expect(h.devices.failure('rover-1', 'r1')).toBe('DEPLOYMENT_TIMED_OUT');
  });

  test('a device that joined with another certificate before joins with the new one', async () => {
    const h = await start();
    h.moved.set('rover-1', certificateIdOf('rover-1'));
    await h.ask('rover-1', 'join', { requestId: 'r1' });
    await h.clock.advance(50);
    h.moved.set('rover-1', certificateIdOf('renewed'));
    await h.ask('rover-1', 'join', { requestId: 'r2' });
    await h.clock.advance(50);
    expect(h.devices.last('rover-1', 'r2')?.kind).toBe('joined');
    expect(h.cloud.definition.devices['rover-1']?.certificateId).toBe(certificateIdOf('renewed'));
  });

  test('its claim carries the join as long as no definition shows it', async () => {
    const h = await start();
    h.moved.set('rover-1', certificateIdOf('rover-1'));
    h.cloud.onUpdate = ({ requestId }) => h.cloud.accept(requestId);
    await deploy(h, 'rover-1', 'detect', 'r1');
    await deploy(h, 'rover-1', 'detect', 'r2', '1.0.0');
    expect(h.cloud.updates).toHaveLength(2);
    for (const { joins, claims } of h.cloud.updates) {
      expect(joins).toMatchObject([{ device: 'rover-1', seq: 1 }]);
      expect(claims).toHaveLength(1);
    }
  });

  test('without a certificate that the edge knows it is refused', async () => {
    const h = await start();
    await h.ask('stranger', 'join', { requestId: 'r1' });
    expect(h.devices.failure('stranger', 'r1')).toBe('UNKNOWN_DEVICE');
  });
});

test('a core that stops tells those who wait', async () => {
  const h = await start();
  h.local.onStart = () => new Promise(() => undefined);
  await deploy(h, 'camera-1', 'detect', 'r1');
  await h.system.close();
  expect(h.devices.failure('camera-1', 'r1')).toBe('CLOSED');
  expect(h.devices.announced.at(-1)?.state).toBe('stopping');
  expect(h.cloud.statuses.at(-1)?.state).toBe('stopping');
});
