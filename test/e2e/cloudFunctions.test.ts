import type { FunctionConfig } from '../../protocol';
import { cloudState, type CloudState } from '../support/cloudState';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { runsRevision } from '../support/operatorChange';
import { keepCalling, type SteadyCaller } from '../support/steadyCaller';
import { type DeviceProcess, type Edge, functionPackage } from '../../local';

/** Functions in the cloud, through the edge and `cloudRemoteExecution`, also where they misbehave. */
let environment: TestEnvironment;
let cloud: CloudState;
let edge: Edge;
let device: DeviceProcess;
let steady: SteadyCaller;

beforeAll(async () => {
  environment = await startTestEnvironment({
    // One of the stack that this machine cannot run.
    transform: ({ Resources }) => {
      Object.assign(Resources['TrainModelLambdaFunction']?.Properties ?? {}, { Runtime: 'python3.13' });
    },
  });
  cloud = cloudState(environment);
  edge = await environment.startEdge(GROUP);
  device = await environment.connectDevice('sensor-1');
  const bystander = await environment.connectDevice('sensor-2');
  await bystander.deploy('smoothSignal');
  steady = keepCalling(bystander, 'smoothSignal', { samples: [1, 2, 3] });
});

afterAll(async () => {
  cloud?.close();
  await environment?.close();
});

afterEach(() => steady.proceeds());

const BOTH: Pick<FunctionConfig, 'locations'> = { locations: ['edge', 'cloud'] };
const CLOUD: Pick<FunctionConfig, 'locations'> = { locations: ['cloud'] };
const says = (text: string) =>
  `exports.handler = async (event, context) => ({ text: '${text}', event, arn: context.invokedFunctionArn });`;

async function lambdaOf(name: string): Promise<string | undefined> {
  return (await cloud.lambdaNames()).find((each) => each.endsWith(`-${name}`));
}

/** Where and by which version a call was served. */
async function servedBy(name: string, options: Record<string, unknown>): Promise<object> {
  const { output, report } = await device.invokeReported(name, { n: 1 }, options);
  const { text, event } = output as { text: string; event: unknown };
  expect(event).toEqual({ n: 1 });
  return { text, location: report.location, version: report.version };
}

describe('a call in the cloud that fails', () => {
  const FRAGILE = `exports.handler = async ({ fault, bytes }) => {
    const kept = [];
    switch (fault) {
      case 'throws': throw new RangeError('too far');
      case 'rejects with an object': return Promise.reject({ reason: 42 });
      case 'never settles': return new Promise(() => {});
      case 'busy loop': for (;;);
      case 'buffers': for (;;) kept.push(Buffer.alloc(4_000_000, 1));
      case 'exits': process.exit(1);
      case 'returns a bigint': return 1n;
      case 'returns much': return 'x'.repeat(bytes);
      default: return process.pid;
    }
  };`;

  beforeAll(async () => {
    await environment.registerFunction('fragile', FRAGILE, { ...CLOUD, timeout: 20 });
    await environment.registerFunction('hasty', FRAGILE, { ...CLOUD, timeout: 1 });
  });

  const invoke = (name: string, fault: string, more: object = {}) =>
    device.invoke(name, { fault, ...more }, { location: 'cloud' });

  it.each([
    ['throws', 'fragile', 'FUNCTION_ERROR', { errorType: 'RangeError', errorMessage: 'too far' }],
    ['rejects with an object', 'fragile', 'FUNCTION_ERROR', { errorMessage: '{"reason":42}' }],
    ['returns a bigint', 'fragile', 'FUNCTION_ERROR', { errorType: 'Runtime.MarshalError' }],
    ['never settles', 'hasty', 'FUNCTION_TIMED_OUT', { errorType: 'Sandbox.Timedout' }],
    ['busy loop', 'hasty', 'FUNCTION_TIMED_OUT', { errorType: 'Sandbox.Timedout' }],
    ['buffers', 'fragile', 'FUNCTION_OUT_OF_MEMORY', { errorType: 'Runtime.ExitError' }],
    ['exits', 'fragile', 'FUNCTION_EXITED', { errorType: 'Runtime.ExitError' }],
  ])('%s in %s: %s, and the next call is served', async (fault, name, code, details) => {
    await expect(invoke(name, fault)).rejects.toMatchObject({ code, details });
    await expect(invoke(name, '')).resolves.toEqual(expect.any(Number));
  });

  it('over 128 KB: RESULT_TOO_LARGE', async () => {
    for (const bytes of [131_072, 7_000_000]) {
      await expect(invoke('fragile', 'returns much', { bytes })).rejects.toMatchObject({
        code: 'RESULT_TOO_LARGE',
      });
    }
    await expect(invoke('fragile', 'returns much', { bytes: 100_000 })).resolves.toHaveLength(100_000);
  });

  it('whose module throws at load: FUNCTION_INIT_FAILED or its error, not a fault of the cloud', async () => {
    await environment.registerFunction('unloadable', 'throw new RangeError("at load");', CLOUD);
    await expect(device.invoke('unloadable', {}, { location: 'cloud' })).rejects.toMatchObject({
      code: expect.stringMatching(/^FUNCTION_(INIT_FAILED|ERROR)$/) as string,
      details: { errorType: 'RangeError', errorMessage: 'at load' },
    });
    await environment.registerFunction('unnamed', 'exports.other = async () => 1;', CLOUD);
    await expect(device.invoke('unnamed', {}, { location: 'cloud' })).rejects.toMatchObject({
      code: 'HANDLER_NOT_FOUND',
    });
  });

  it.each([
    ['a function that does not exist', 'nowhere', {}, 'FUNCTION_NOT_FOUND'],
    ['a version that does not exist', 'fragile', { version: '^7' }, 'VERSION_NOT_FOUND'],
    ['a function that runs on edges only', 'smoothSignal', {}, 'LOCATION_NOT_ALLOWED'],
    ['a function of others', 'calibrateSensor', {}, 'NOT_ENTITLED'],
  ])('%s: refused', async (_what, name, options, code) => {
    await expect(device.invoke(name, {}, { location: 'cloud', ...options })).rejects.toMatchObject({ code });
  });

  it('this machine cannot run it: UNSUPPORTED, and why', async () => {
    await expect(device.invoke('trainModel', {}, { location: 'cloud' })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(
        /trainModel runs on python3\.13, which the local cloud cannot run/,
      ) as string,
    });
  });

  it('it calls a service that is not simulated: the error of that service names the setting', async () => {
    const source = `exports.handler = async () => {
      const headers = { 'x-amz-target': 'DynamoDB_20120810.GetItem', 'x-amz-user-agent': 'api/dynamodb#3.9' };
      const answer = await fetch(process.env.AWS_ENDPOINT_URL, { method: 'POST', headers, body: '{}' });
      return answer.json();
    };`;
    await environment.registerFunction('reader', source, CLOUD);
    await expect(device.invoke('reader', {}, { location: 'cloud' })).resolves.toEqual({
      __type: 'NotSimulatedException',
      message: expect.stringContaining('AWS_ENDPOINT_URL_DYNAMODB') as string,
    });
  });

  it('its package lacks a module: the error says how to bundle it', async () => {
    const source = "const pad = require('left-pad'); exports.handler = async () => pad;";
    await environment.registerFunction('unbundled', source, BOTH);
    const message =
      /Cannot find module 'left-pad'[^]*"left-pad" is not in the package of the function: bundle/;
    const lacking = {
      code: 'FUNCTION_INIT_FAILED',
      message: expect.stringMatching(message) as string,
    };
    await expect(device.deploy('unbundled')).rejects.toMatchObject(lacking);
    const inCloud = device.invoke('unbundled', {}, { location: 'cloud' });
    await expect(inCloud).rejects.toMatchObject({ message: lacking.message });
  });

  it('a device that waits less than the function takes is told in its own time', async () => {
    await expect(
      device.invoke('fragile', { fault: 'never settles' }, { location: 'cloud', timeout: 300 }),
    ).rejects.toMatchObject({ code: 'TIMED_OUT' });
  });
});

describe('a function for edge and cloud that no stack has', () => {
  it('gets a Lambda function of its own; a new version moves its alias, and the old one stays callable', async () => {
    expect(await lambdaOf('both')).toBeUndefined();
    await environment.registerFunction('both', says('one'), { ...BOTH, version: '1.0.0' });
    const lambda = (await lambdaOf('both')) ?? '';
    expect(await cloud.aliasVersion(lambda, 'live')).toBe('1');
    const cloudCall = { location: 'cloud' };
    const one = { text: 'one', location: 'cloud', version: '1.0.0' };
    const two = { text: 'two', location: 'cloud', version: '1.1.0' };
    expect(await servedBy('both', cloudCall)).toEqual(one);

    await environment.registerFunction('both', says('two'), { ...BOTH, version: '1.1.0' });
    expect(await cloud.aliasVersion(lambda, 'live')).toBe('2');
    expect(await servedBy('both', cloudCall)).toEqual(two);
    expect(await servedBy('both', { ...cloudCall, version: '1.0.0' })).toEqual(one);
    expect(await servedBy('both', { ...cloudCall, version: '^1' })).toEqual(two);

    await environment.registerFunction('both', says('one'), { ...BOTH, version: '1.0.0' });
    expect(await cloud.aliasVersion(lambda, 'live')).toBe('1');
    expect(await servedBy('both', cloudCall)).toEqual(one);
    expect((await cloud.lambdaNames()).filter((name) => name.endsWith('-both'))).toEqual([lambda]);
  });

  it('with another memory or timeout is another version there, too', async () => {
    await environment.registerFunction('tuned', says('same'), { ...BOTH, timeout: 3 });
    await environment.registerFunction('tuned', says('same'), { ...BOTH, timeout: 4 });
    expect(await cloud.aliasVersion((await lambdaOf('tuned')) ?? '', 'live')).toBe('2');
    expect(await servedBy('tuned', { location: 'cloud' })).toMatchObject({ version: '1.0.1' });
  });

  it('edge only: no Lambda function is made', async () => {
    await environment.registerFunction('edgeOnly', says('here'));
    expect(await lambdaOf('edgeOnly')).toBeUndefined();
  });

  it('three uploads at once: each version has its own code', async () => {
    const versions = ['1.0.0', '2.0.0', '3.0.0'];
    await Promise.all(
      versions.map(async (version) => {
        const { operator, outputs } = environment;
        const config = { name: 'raced', handler: 'index.handler', ...BOTH, version };
        const bytes = await functionPackage({ 'index.js': says(version) }, config);
        const put = await operator.uploadPackage(outputs.functionsBucket, `raced-${version}`, bytes);
        expect(await operator.waitForResult(put)).toMatchObject({ status: 'registered', version });
      }),
    );
    for (const version of versions) {
      expect(await servedBy('raced', { location: 'cloud', version })).toEqual({
        text: version,
        location: 'cloud',
        version,
      });
    }
  });
});

describe('location any', () => {
  it('is the cloud while the function is not on the edge, and the edge afterwards', async () => {
    await environment.registerFunction('roaming', says('hello'), BOTH);
    const any = { location: 'any' };
    const inCloud = { text: 'hello', location: 'cloud', version: '1.0.0' };
    const onEdge = { ...inCloud, location: 'edge' };
    expect(await servedBy('roaming', any)).toEqual(inCloud);
    await expect(device.invoke('roaming', {})).rejects.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });

    // Served all the while, by one or by the other.
    const deploying = device.deploy('roaming');
    let deployed = false;
    void deploying.then(() => (deployed = true));
    const during: object[] = [];
    while (!deployed) during.push(await servedBy('roaming', any));
    await deploying;
    const firstOnEdge = during.findIndex((served) => (served as { location: string }).location === 'edge');
    const [before, after] =
      firstOnEdge < 0 ? [during, []] : [during.slice(0, firstOnEdge), during.slice(firstOnEdge)];
    expect(before).toEqual(before.map(() => inCloud));
    expect(after).toEqual(after.map(() => onEdge));
    expect(await servedBy('roaming', any)).toEqual(onEdge);
    expect(await servedBy('roaming', { location: 'cloud' })).toEqual(inCloud);

    await device.release('roaming');
    const { operator, outputs } = environment;
    const gone = await operator.waitForDefinition(
      outputs.stateBucket,
      GROUP,
      ({ functions }) => functions['roaming@1.0.0'] === undefined,
    );
    await runsRevision(edge, gone.revision);
    expect(await servedBy('roaming', any)).toEqual(inCloud);
  });

  it('a function that does not start on the edge is served by the cloud all the same', async () => {
    const source = `if (process.env.AWS_ACCESS_KEY_ID === undefined) throw new Error('not on edges');
      ${says('cloud only, really')}`;
    await environment.registerFunction('shy', source, BOTH);
    await expect(device.deploy('shy')).rejects.toMatchObject({ code: 'FUNCTION_INIT_FAILED' });
    expect(await servedBy('shy', { location: 'any' })).toMatchObject({ location: 'cloud' });
  });

  it('a function that fails on the edge fails; it is not run a second time in the cloud', async () => {
    const source =
      'exports.handler = async (event, { invokedFunctionArn }) => { throw new Error(invokedFunctionArn) };';
    await environment.registerFunction('failing', source, BOTH);
    await device.deploy('failing');
    await expect(device.invoke('failing', {}, { location: 'any' })).rejects.toMatchObject({
      code: 'FUNCTION_ERROR',
      details: { errorMessage: expect.stringContaining(':lambda:edge:') as string },
    });
  });
});

it('nobody else noticed anything', async () => {
  expect(await steady.stop()).toBeGreaterThan(10);
});
