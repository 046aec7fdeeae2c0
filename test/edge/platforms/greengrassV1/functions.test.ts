import { EdgeError } from '../../../../protocol';
import { MemoryCloud, manifestOf } from '../../support/memoryCloud';
import { deployable, StandInCore } from './standInCore';

const detect = deployable('detect', '1.0.0');
const DETECT_ARN = `${detect.cloud?.functionArn}:${detect.cloud?.qualifier}`;

let cloud: MemoryCloud;
let core: StandInCore;
beforeEach(async () => {
  cloud = new MemoryCloud();
  cloud.addDevices('camera-1');
  cloud.register(detect);
  core = await StandInCore.start(cloud);
  core.behaviours.set(DETECT_ARN, (event) => ({ seen: event }));
});
afterEach(() => core.close());

const kinds = (device = 'camera-1') => core.heard(device).map(([kind]) => kind);
const last = (device = 'camera-1') => core.heard(device).at(-1);

/** Stage I and the confirm; the update is in the cloud's definition, which the core has. */
async function ask(functionName = 'detect'): Promise<void> {
  await core.send('edge/camera-1/ask/request', { requestId: 'r1', function: functionName });
  await core.when(({ topic }) => topic === 'edge/camera-1/reply/available');
  await core.send('edge/camera-1/ask/confirm', { requestId: 'r1' });
  await core.when(({ message }) => message.stage === 'deploying');
}

const ready = (revision: number) =>
  core.when(
    ({ topic, message }) =>
      topic === 'edge/status' && message.state === 'ready' && message.revision === revision,
  );

/** Both stages of the paper: the function is on the core afterwards. */
async function bring(): Promise<void> {
  await ask();
  await core.deploy();
  await ready(cloud.definition.revision);
}

test('a device of the group joins', async () => {
  await core.send('edge/camera-1/ask/join', { requestId: 'j1' });
  expect(last()).toEqual(['joined', { requestId: 'j1', edge: 'core-1', revision: 1 }]);
});

test('a request is validated in the cloud, offered, confirmed and sent up as an update', async () => {
  await ask();
  expect(cloud.updates).toMatchObject([{ claims: [{ device: 'camera-1', function: 'detect' }] }]);
  const stages = core.heard('camera-1').flatMap(([, { stage }]) => stage ?? []);
  expect(stages).toEqual(expect.arrayContaining(['validating', 'confirmed', 'deploying']));
  expect(kinds()).toContain('available');
  expect(kinds()).not.toContain('ready');
});

test('with the deployment the core restarts: devices hear that it is ready, and the function is there', async () => {
  await bring();
  // As the device client does: the restarted core knows nothing of the offer, so it asks again.
  await core.send('edge/camera-1/ask/confirm', { requestId: 'r1' });
  expect(last()).toMatchObject(['failed', { error: { code: 'NOT_OFFERED' } }]);
  await core.send('edge/camera-1/ask/request', { requestId: 'r2', function: 'detect' });
  expect(last()).toMatchObject(['ready', { function: 'detect', version: '1.0.0', present: true }]);
});

test('a deployment that fails is told to the device that waits for it, with its reason', async () => {
  await ask();
  const { revision } = cloud.definition;
  cloud.undelivered(new EdgeError('DEPLOYMENT_FAILED', 'the service role is not associated'));
  await core.when(({ topic }) => topic === 'edge/camera-1/reply/failed');
  const error = { code: 'DEPLOYMENT_FAILED', message: 'the service role is not associated' };
  expect(last()).toMatchObject(['failed', { requestId: 'r1', error }]);
  await core.when(() => cloud.definition.revision > revision);
  expect(cloud.definition.claims['camera-1/detect']).toMatchObject({ released: true });
  expect(cloud.updates.flatMap(({ failures }) => failures ?? [])).toEqual([]);
});

test('a synchronous call runs the Lambda version on the core', async () => {
  await bring();
  await core.send('edge/camera-1/ask/invoke', { requestId: 'i1', function: 'detect', input: { n: 7 } });
  expect(last()).toMatchObject([
    'result',
    { requestId: 'i1', version: '1.0.0', location: 'edge', output: { seen: { n: 7 } } },
  ]);
  expect(core.invoked).toEqual([{ arn: DETECT_ARN, event: { n: 7 } }]);
});

test('a repeated call is answered from memory and runs once', async () => {
  await bring();
  const call = { requestId: 'i1', function: 'detect', input: 1 };
  await core.send('edge/camera-1/ask/invoke', call);
  await core.send('edge/camera-1/ask/invoke', call);
  expect(core.invoked).toHaveLength(1);
  expect(kinds().filter((kind) => kind === 'result')).toHaveLength(2);
});

test('an asynchronous call runs and answers nothing', async () => {
  await bring();
  const before = kinds().length;
  await core.send('edge/camera-1/call/detect', { requestId: 'c1', input: 'x' });
  expect(core.invoked).toEqual([{ arn: DETECT_ARN, event: 'x' }]);
  expect(kinds()).toHaveLength(before);
});

test('what the function throws comes back with its type and message', async () => {
  await bring();
  core.behaviours.set(DETECT_ARN, () => {
    throw new TypeError('no picture');
  });
  await core.send('edge/camera-1/ask/invoke', { requestId: 'i1', function: 'detect' });
  expect(last()).toMatchObject([
    'failed',
    {
      error: {
        code: 'FUNCTION_ERROR',
        details: { errorType: 'TypeError', errorMessage: 'no picture' },
      },
    },
  ]);
});

test('a call to the cloud goes over HTTP', async () => {
  await core.send('edge/camera-1/ask/invoke', {
    requestId: 'i1',
    function: 'detect',
    location: 'cloud',
    input: 2,
  });
  expect(last()).toMatchObject(['result', { location: 'cloud', output: { cloud: 2 } }]);
});

test('a function that this deployment does not have is not called', async () => {
  await core.send('edge/camera-1/ask/invoke', { requestId: 'i1', function: 'detect' });
  expect(last()).toMatchObject(['failed', { error: { code: 'FUNCTION_NOT_DEPLOYED' } }]);
  expect(core.invoked).toEqual([]);
});

test('a device without entitlement is refused, also for what is there for others', async () => {
  cloud.addDevices('camera-2');
  cloud.change({ entitlements: { detect: { devices: ['camera-1'], seq: 1 } } });
  await bring();
  await core.send('edge/camera-2/ask/invoke', { requestId: 'i1', function: 'detect' });
  expect(last('camera-2')).toMatchObject(['failed', { error: { code: 'NOT_ENTITLED' } }]);
  expect(core.invoked).toEqual([]);
});

test('what is no JSON, or of a wrong form, is answered with a code by the function that it reaches', async () => {
  await core.send('edge/camera-1/ask/request', '{"requestId":"r9"');
  expect(last()).toMatchObject(['failed', { requestId: 'r9', error: { code: 'BAD_REQUEST' } }]);
  await core.send('edge/camera-1/ask/invoke', { requestId: 'r10', function: 7 });
  expect(last()).toMatchObject([
    'failed',
    { requestId: 'r10', error: { code: 'BAD_REQUEST', field: 'function' } },
  ]);
  await core.send('somewhere/else', {});
  expect(kinds()).toHaveLength(2);
});

test('prefetching is refused with a code: Greengrass brings functions with deployments alone', async () => {
  await core.send('edge/camera-1/ask/prefetch', { requestId: 'p1', function: 'detect' });
  expect(last()).toMatchObject(['failed', { requestId: 'p1', error: { code: 'UNSUPPORTED' } }]);
});

test('a function without a Lambda version never runs: the device hears why, and the cloud rolls it back', async () => {
  cloud.register(manifestOf('bare', '1.0.0'));
  await core.send('edge/camera-1/ask/request', { requestId: 'r1', function: 'bare' });
  await core.when(({ topic }) => topic === 'edge/camera-1/reply/available');
  await core.send('edge/camera-1/ask/confirm', { requestId: 'r1' });
  await core.when(({ topic }) => topic === 'edge/camera-1/reply/failed');
  expect(last()).toMatchObject(['failed', { requestId: 'r1', error: { code: 'DEPLOYMENT_FAILED' } }]);
  await ready(cloud.definition.revision);
  await core.send('edge/camera-1/ask/invoke', { requestId: 'i1', function: 'bare' });
  expect(last()).toMatchObject(['failed', { error: { code: 'FUNCTION_NOT_DEPLOYED' } }]);
});

test('the definition and the claims survive restarts of the core without the cloud', async () => {
  await bring();
  cloud.unreachable = true;
  await core.deploy();
  expect(core.published.at(-1)?.message).toMatchObject({ state: 'ready', revision: 2 });
  await core.send('edge/camera-1/ask/invoke', { requestId: 'i1', function: 'detect', input: 1 });
  expect(last()).toMatchObject(['result', { output: { seen: 1 } }]);
});

test('a change without a deployment comes by the revision notice', async () => {
  await bring();
  cloud.change({ entitlements: { detect: { devices: ['nobody'], seq: 1 } } });
  await ready(cloud.definition.revision);
  await core.send('edge/camera-1/ask/invoke', { requestId: 'i1', function: 'detect' });
  expect(last()).toMatchObject(['failed', { error: { code: 'NOT_ENTITLED' } }]);
});

test('what the core itself cannot invoke is answered with a code', async () => {
  await bring();
  core.failingInvoke = new Error('no such Lambda function on this core');
  await core.send('edge/camera-1/ask/request', { requestId: 'r5', function: 'detect' });
  expect(last()).toMatchObject(['failed', { requestId: 'r5', error: { code: 'INTERNAL' } }]);
  await core.send('edge/camera-1/ask/invoke', { requestId: 'i5', function: 'detect' });
  expect(last()).toMatchObject(['failed', { requestId: 'i5', error: { code: 'FUNCTION_ERROR' } }]);
});
