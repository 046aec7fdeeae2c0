import { EdgeError, MAX_UPDATE_PAYLOAD, type CoreUpdate, type GroupDefinition } from '../../../protocol';
import { startHarness, type Harness } from '../support/harness';
import { settle } from '../support/manualClock';
import { manifestOf } from '../support/memoryCloud';

const BROKEN = 'detect@2.0.0';

async function start(): Promise<Harness> {
  const h = await startHarness({
    prepare(cloud) {
      cloud.addDevices('camera-1', 'camera-2', 'camera-3');
      cloud.register(manifestOf('detect', '1.0.0'));
      cloud.register(manifestOf('detect', '2.0.0'));
    },
  });
  breakIt(h);
  return h;
}

function breakIt({ local }: Harness, message = 'thrown'): void {
  local.onStart = async (key) => {
    if (key === BROKEN) throw new EdgeError('FUNCTION_INIT_FAILED', message);
  };
}

async function deploy(h: Harness, device: string, requestId: string, version: string) {
  await h.ask(device, 'request', { requestId, function: 'detect', version });
  await h.ask(device, 'confirm', { requestId });
  await h.clock.advance(50);
}

async function setStatic(h: Harness, version: string, seq: number) {
  const functions: GroupDefinition['functions'] = {
    ...h.cloud.definition.functions,
    [`detect@${version}`]: manifestOf('detect', version),
  };
  h.cloud.change({ functions, statics: { detect: { version, seq } } });
  await h.clock.advance(50);
}

const running = ({ local }: Harness) =>
  local.list().flatMap(({ key, state }) => (state === 'running' ? [key] : []));
const failures = ({ cloud }: Harness) => cloud.updates.flatMap(({ failures: told = [] }) => told);

test('a claim that fails: the device hears it once, the cloud once, and the version before stays', async () => {
  const h = await start();
  await deploy(h, 'camera-1', 'r1', '1.0.0');
  await deploy(h, 'camera-1', 'r2', '2.0.0');
  expect(h.devices.kinds('camera-1', 'r2').filter((kind) => kind === 'failed')).toHaveLength(1);
  expect(h.devices.failure('camera-1', 'r2')).toBe('FUNCTION_INIT_FAILED');
  expect(failures(h)).toEqual([
    {
      function: 'detect',
      version: '2.0.0',
      error: { code: 'FUNCTION_INIT_FAILED', message: 'thrown' },
      running: '1.0.0',
      upTo: { claims: 2, static: 0 },
    },
  ]);
  expect(running(h)).toEqual(['detect@1.0.0']);
  expect(h.system.definition().claims['camera-1/detect']).toMatchObject({ version: '1.0.0' });
  await h.clock.advance(120_000);
  expect(failures(h)).toHaveLength(1);
});

test('a static that fails goes back to the one before, also after a restart', async () => {
  let h = await start();
  await setStatic(h, '1.0.0', 1);
  await setStatic(h, '2.0.0', 2);
  expect(failures(h)).toMatchObject([{ version: '2.0.0', running: '1.0.0', upTo: { claims: 0, static: 2 } }]);
  expect(h.system.definition().rollbacks).toMatchObject({ [BROKEN]: { fallback: '1.0.0' } });
  expect(running(h)).toEqual(['detect@1.0.0']);
  const { revision } = h.system.definition();

  h = await h.crashAndRestart({ onStart: undefined });
  expect(running(h)).toEqual(['detect@1.0.0']);
  expect(h.system.definition().revision).toBe(revision);
  await h.ask('camera-1', 'request', { requestId: 'r1', function: 'detect' });
  expect(h.devices.last('camera-1', 'r1')).toMatchObject({ kind: 'ready', message: { version: '1.0.0' } });
  await h.clock.advance(120_000);
  expect(failures(h)).toHaveLength(1);
});

test('a static goes back to the one before also when that was taken away first', async () => {
  let h = await start();
  await setStatic(h, '1.0.0', 1);
  h.local.onStart = async () => {
    h.local.lose('detect@1.0.0');
    return new Promise(() => undefined);
  };
  await setStatic(h, '2.0.0', 2);
  expect(running(h)).toEqual([]);

  h = await h.crashAndRestart({ onStart: 'FUNCTION_INIT_FAILED' });
  await h.clock.advance(100);
  expect(failures(h)).toMatchObject([{ version: '2.0.0', running: '1.0.0' }]);
  expect(h.cloud.definition.rollbacks).toMatchObject({ [BROKEN]: { fallback: '1.0.0' } });
});

test('a redeploy of another version supersedes the rollback, and so does one of the same', async () => {
  const h = await start();
  await setStatic(h, '1.0.0', 1);
  await setStatic(h, '2.0.0', 2);
  expect(running(h)).toEqual(['detect@1.0.0']);
  h.local.onStart = async () => undefined;
  await setStatic(h, '2.0.0', 3);
  expect(running(h)).toEqual([BROKEN]);
});

test('a new confirm tries again', async () => {
  const h = await start();
  await deploy(h, 'camera-1', 'r1', '2.0.0');
  expect(h.devices.failure('camera-1', 'r1')).toBe('FUNCTION_INIT_FAILED');
  await deploy(h, 'camera-1', 'r2', '2.0.0');
  expect(h.devices.failure('camera-1', 'r2')).toBe('FUNCTION_INIT_FAILED');
  expect(failures(h)).toHaveLength(2);
  h.local.onStart = async () => undefined;
  await deploy(h, 'camera-1', 'r3', '2.0.0');
  expect(h.devices.last('camera-1', 'r3')).toMatchObject({ kind: 'ready', message: { version: '2.0.0' } });
});

test('a device whose claim an engine rolled back hears the reason once, and is left without a claim', async () => {
  const h = await start();
  let finish: (error: Error) => void = () => undefined;
  h.local.onStart = () => new Promise((_resolve, reject) => (finish = reject));
  await deploy(h, 'camera-1', 'r1', '2.0.0');
  expect(h.devices.last('camera-1', 'r1')?.kind).toBe('progress');
  const { seq } = h.cloud.definition.claims['camera-1/detect'] ?? { seq: 0 };
  const error = { code: 'DEPLOYMENT_FAILED' as const, message: 'the component is BROKEN' };
  h.cloud.change({ rollbacks: { [BROKEN]: { error, upTo: { claims: seq, static: 0 }, seq: 1 } } });
  await h.clock.advance(50);
  expect(h.devices.last('camera-1', 'r1')?.message).toMatchObject({ error });
  finish(new EdgeError('ABORTED'));
  await h.clock.advance(50);
  expect(h.devices.kinds('camera-1', 'r1').filter((kind) => kind === 'failed')).toHaveLength(1);
  expect(h.cloud.definition.claims['camera-1/detect']).toMatchObject({ released: true });
});

test('a device that confirms after a rollback waits for its own try', async () => {
  const h = await start();
  const rollbacks = {
    [BROKEN]: {
      error: { code: 'DEPLOYMENT_FAILED' as const, message: 'no' },
      upTo: { claims: 0, static: 1 },
      seq: 1,
    },
  };
  h.local.onStart = async () => undefined;
  h.cloud.change({ rollbacks });
  await h.clock.advance(50);
  const sent: CoreUpdate[] = [];
  h.cloud.onUpdate = (update) => void sent.push(update);
  await deploy(h, 'camera-1', 'r1', '2.0.0');
  h.cloud.change({ limits: { storage: 1, memory: 1, instances: 1, seq: 1 } });
  await h.clock.advance(50);
  expect(h.devices.last('camera-1', 'r1')?.kind).toBe('progress');
  for (const update of sent) h.cloud.absorb(update);
  await h.clock.advance(50);
  expect(h.devices.last('camera-1', 'r1')?.kind).toBe('ready');
});

test('what has run here is not rolled back when it does not start again', async () => {
  let h = await start();
  h.local.onStart = async () => undefined;
  await setStatic(h, '2.0.0', 1);
  expect(running(h)).toEqual([BROKEN]);
  h = await h.crashAndRestart({ onStart: 'FUNCTION_INIT_FAILED' });
  await h.clock.advance(100);
  expect(h.local.get(BROKEN)?.state).toBe('failed');
  expect(failures(h)).toEqual([]);
  breakIt(h);
  await setStatic(h, '2.0.0', 2);
  expect(failures(h)).toEqual([]);
});

test.each(['CLOUD_UNREACHABLE', 'EDGE_LIMIT_EXCEEDED'] as const)(
  '%s is no failure of the version',
  async (code) => {
    const h = await start();
    h.local.onStart = async () => Promise.reject(new EdgeError(code));
    await setStatic(h, '2.0.0', 1);
    expect(h.local.get(BROKEN)?.state).toBe('failed');
    expect(failures(h)).toEqual([]);
  },
);

test('a failure is sent again until a definition shows it, over restarts too', async () => {
  let h = await start();
  h.cloud.onUpdate = () => undefined;
  await setStatic(h, '2.0.0', 1);
  await h.clock.advance(10_000);
  const copies = h.cloud.updates.length;
  expect(copies).toBeGreaterThan(1);
  expect(new Set(h.cloud.updates.map(({ requestId }) => requestId)).size).toBe(1);

  h = await h.crashAndRestart({ onStart: 'FUNCTION_INIT_FAILED' });
  await h.clock.advance(100);
  expect(h.cloud.updates).toHaveLength(copies + 1);
  for (const update of h.cloud.updates) h.cloud.absorb(update);
  await h.clock.advance(100);
  expect(h.system.definition().rollbacks?.[BROKEN]).toMatchObject({ seq: 1 });
  expect(h.local.list()).toEqual([]);
  const sent = h.cloud.updates.length;
  await h.clock.advance(120_000);
  expect(h.cloud.updates).toHaveLength(sent);
});

test('a refused failure is dropped, and told again for a newer revision only', async () => {
  const h = await start();
  h.cloud.onUpdate = ({ requestId }) => h.cloud.refuse(requestId, new EdgeError('FUNCTION_NOT_DEPLOYED'));
  await setStatic(h, '2.0.0', 1);
  await h.clock.advance(120_000);
  expect(failures(h)).toHaveLength(1);
  await setStatic(h, '2.0.0', 2);
  expect(failures(h)).toHaveLength(2);
});

test('a long reason stays within an update', async () => {
  const h = await start();
  breakIt(h, 'ü'.repeat(100_000));
  await setStatic(h, '2.0.0', 1);
  await settle();
  expect(failures(h)).toHaveLength(1);
  for (const update of h.cloud.updates) {
    expect(Buffer.byteLength(JSON.stringify(update))).toBeLessThan(MAX_UPDATE_PAYLOAD);
  }
});
