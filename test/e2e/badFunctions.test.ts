import { type DeviceProcess, type Edge, functionPackage } from '../../local';
import { claimKey, MAX_MQTT_PAYLOAD, type FunctionConfig } from '../../protocol';
import { GROUP, startTestEnvironment, type TestEnvironment } from '../support/environment';
import { Gate } from '../support/gate';
import { runsRevision } from '../support/operatorChange';
import { processTree, survivors, type ProcessId } from '../support/processTree';
import { keepCalling, type SteadyCaller } from '../support/steadyCaller';

/**
 * Functions that misbehave on the edge, called by sensor-1 and sensor-3, while sensor-2 calls a good
 * one throughout.
 */
let environment: TestEnvironment;
let edge: Edge;
let device: DeviceProcess;
let other: DeviceProcess;
let bystander: DeviceProcess;
let steady: SteadyCaller;

/** Fails as asked, else says which process and which call of it this is. */
const FRAGILE = `
  const { spawn } = require('node:child_process');
  let calls = 0;
  exports.handler = async (event, context) => {
    const kept = [];
    calls += 1;
    switch (event.fault) {
      case 'throws': throw new RangeError('too far');
      case 'throws at once': return (() => { throw new TypeError('no such thing') })();
      case 'throws text': throw 'plain text';
      case 'throws nothing': throw undefined;
      case 'rejects with an object': return Promise.reject({ reason: 42 });
      case 'throws a novel': throw new Error('x'.repeat(5_000_000));
      case 'rejects unheard': Promise.reject(new TypeError('nobody waits')); return new Promise(() => {});
      case 'throws from a timer': setTimeout(() => { throw new RangeError('later') }, 1); return new Promise(() => {});
      case 'never settles': return new Promise(() => {});
      case 'busy loop': for (;;);
      case 'starts a process and never settles':
        spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }); return new Promise(() => {});
      case 'buffers': for (;;) kept.push(Buffer.alloc(4_000_000, 1));
      case 'slow buffers': setInterval(() => kept.push(Buffer.alloc(8_000_000, 1)), 2); return new Promise(() => {});
      case 'heap': for (let i = 0; ; i += 1) kept.push({ i, text: 'x' + i });
      case 'text': { let text = 'x'; for (;;) { text += text.slice(0, 1_000_000); kept.push(Buffer.from(text).toString('latin1')) } }
      case 'exits': process.exit(0);
      case 'aborts': process.abort();
      case 'kills itself': process.kill(process.pid, 'SIGKILL'); return new Promise(() => {});
      case 'closes its channel': require('node:fs').closeSync(3); return new Promise(() => {});
      case 'writes rubbish to its channel': require('node:fs').writeSync(3, 'rubbish rubbish'); return new Promise(() => {});
      case 'returns much': return 'x'.repeat(event.bytes);
      case 'returns too much for a frame': return 'x'.repeat(20_000_000);
      case 'returns a bigint': return { n: 1n };
      case 'returns a circle': kept.push(kept); return kept;
      case 'returns what throws': return { toJSON() { throw new Error('not me') } };
      case 'returns nothing': return undefined;
      case 'returns a function': return () => 1;
      case 'fills its output': console.log('y'.repeat(5_000_000)); return 'said';
      default: return { pid: process.pid, calls };
    }
  };`;

interface Instance {
  pid: number;
  calls: number;
}

beforeAll(async () => {
  environment = await startTestEnvironment();
  await environment.addDevice('sensor-3', GROUP);
  await environment.registerFunction('steady', 'exports.handler = async ({ n }) => n * 2;');
  const limits = { memory: 128, instances: 1 };
  await environment.registerFunction('fragile', FRAGILE, { ...limits, timeout: 30 });
  await environment.registerFunction('hasty', FRAGILE, { ...limits, timeout: 1 });
  edge = await environment.startEdge(GROUP);
  [device, bystander, other] = (await Promise.all(
    ['sensor-1', 'sensor-2', 'sensor-3'].map((name) => environment.connectDevice(name)),
  )) as [DeviceProcess, DeviceProcess, DeviceProcess];
  await Promise.all([bystander.deploy('steady'), device.deploy('fragile'), device.deploy('hasty')]);
  steady = keepCalling(bystander, 'steady', { n: 21 });
});

afterAll(async () => {
  const all = edge ? await processTree(edge.process.pid) : [];
  await environment?.close();
  // No function outlives its edge, however it misbehaved.
  expect(await survivors(all)).toEqual([]);
});

/** A call of the bystander that begins now succeeds, as did all before. */
afterEach(() => steady.proceeds());

const borrowed: [DeviceProcess, string][] = [];

/** For the length of one test: the edge has room for so many. */
async function deploy(asker: DeviceProcess, name: string, options: { version?: string } = {}) {
  const deployed = await asker.deploy(name, options);
  borrowed.push([asker, name]);
  return deployed;
}

afterEach(async () => {
  for (const [asker, name] of borrowed.splice(0)) if (name !== 'steady') await asker.release(name);
});

function call(fault: string, more: object = {}): Promise<unknown> {
  return device.invoke('fragile', { fault, ...more });
}

async function instance(name = 'fragile'): Promise<Instance> {
  return (await device.invoke(name, {})) as Instance;
}

async function functionProcess(pid: number): Promise<ProcessId[]> {
  const tree = await processTree(edge.process.pid);
  return tree.filter((each) => each.pid === pid);
}

async function refusalOf(promise: Promise<unknown>): Promise<{ code: string }> {
  return promise.then(
    (value) => Promise.reject(new Error(`was not refused: ${JSON.stringify(value)}`)),
    (error: { code: string }) => error,
  );
}

/** Nothing of a deployment that failed is left in the group's definition. */
async function expectNoClaim(thing: string, name: string): Promise<void> {
  const { operator, outputs } = environment;
  await operator.waitForDefinition(
    outputs.stateBucket,
    GROUP,
    ({ claims, functions }) =>
      claims[claimKey(thing, name)]?.released === true &&
      !Object.keys(functions).some((key) => key.startsWith(`${name}@`)),
  );
}

async function register(
  name: string,
  files: Record<string, string>,
  config: Partial<FunctionConfig> = {},
): Promise<void> {
  const bytes = await functionPackage(files, { name, handler: 'index.handler', ...config });
  await environment.registerPackages([{ name, bytes }]);
}

describe('a function that does not start', () => {
  const GOOD = 'exports.handler = async () => "good";';

  it.each([
    ['exportsOther', 'exports.other = async () => 1;', 'HANDLER_NOT_FOUND', {}],
    ['exportsText', 'exports.handler = "text";', 'HANDLER_NOT_FOUND', {}],
    [
      'throwsAtLoad',
      'throw new RangeError("at load");',
      'FUNCTION_INIT_FAILED',
      { details: { errorType: 'RangeError', errorMessage: 'at load' } },
    ],
    [
      'badSyntax',
      'exports.handler = async ( => 1;',
      'FUNCTION_INIT_FAILED',
      { details: { errorType: 'SyntaxError' } },
    ],
    ['needsMore', 'require("left-pad");', 'FUNCTION_INIT_FAILED', {}],
    [
      'rejectsAtLoad',
      'exports.handler = async () => 1; Promise.reject(new Error("at load"));',
      'FUNCTION_INIT_FAILED',
      {},
    ],
    ['exitsAtLoad', 'process.exit(3);', 'FUNCTION_EXITED', { details: { exitCode: 3 } }],
    [
      'hoardsAtLoad',
      'const kept = []; for (;;) kept.push(Buffer.alloc(4_000_000, 1));',
      'FUNCTION_OUT_OF_MEMORY',
      {},
    ],
  ])(
    '%s: the device reads why, every time, until a good version comes',
    async (name, source, code, error) => {
      await register(name, { 'index.js': source });
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        await expect(deploy(device, name)).rejects.toMatchObject({ code, ...error });
      }
      await expectNoClaim('sensor-1', name);
      await expect(device.invoke(name)).rejects.toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
      await register(name, { 'index.js': GOOD });
      await expect(deploy(device, name)).resolves.toMatchObject({ version: '1.0.1' });
      await expect(device.invoke(name)).resolves.toBe('good');
    },
  );

  it('one that loads for ever is ended', async () => {
    await register('neverLoads', { 'index.js': 'for (;;);' });
    await expect(deploy(device, 'neverLoads')).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' });
    await expectNoClaim('sensor-1', 'neverLoads');
  });

  it('a new version that does not start takes nothing away', async () => {
    await register('updated', { 'index.js': GOOD }, { version: '1.0.0' });
    await deploy(device, 'updated');
    await register('updated', { 'index.js': 'throw new Error("worse");' }, { version: '2.0.0' });
    await expect(deploy(device, 'updated', { version: '^2' })).rejects.toMatchObject({
      code: 'FUNCTION_INIT_FAILED',
    });
    await expect(device.invoke('updated')).resolves.toBe('good');
    const { operator, outputs } = environment;
    await operator.waitForDefinition(outputs.stateBucket, GROUP, ({ claims, functions }) => {
      const claim = claims[claimKey('sensor-1', 'updated')];
      return claim?.version === '1.0.0' && !claim.released && functions['updated@2.0.0'] === undefined;
    });
    await expect(device.invoke('updated')).resolves.toBe('good');
  });

  it('one whose device patterns are made to keep the edge busy is refused in time', async () => {
    const devices = [`${'*'.repeat(100)}x`, 'sensor-1'];
    await register('patterned', { 'index.js': GOOD }, { devices });
    await expect(deploy(device, 'patterned')).resolves.toMatchObject({ version: '1.0.0' });
    await expect(deploy(other, 'patterned')).rejects.toMatchObject({ code: 'NOT_ENTITLED' });
  });
});

describe('a call that fails', () => {
  it.each([
    ['throws', { errorType: 'RangeError', errorMessage: 'too far' }],
    ['throws at once', { errorType: 'TypeError', errorMessage: 'no such thing' }],
    ['throws text', { errorType: 'string', errorMessage: 'plain text' }],
    ['throws nothing', { errorType: 'undefined' }],
    ['rejects with an object', { errorType: 'object', errorMessage: '{"reason":42}' }],
    ['throws a novel', { errorType: 'Error' }],
    ['returns a bigint', { errorType: 'Runtime.MarshalError' }],
    ['returns a circle', { errorType: 'Runtime.MarshalError' }],
    ['returns what throws', { errorType: 'Runtime.MarshalError', errorMessage: 'not me' }],
  ])('%s: FUNCTION_ERROR, and the instance goes on', async (fault, details) => {
    const before = await instance();
    await expect(call(fault)).rejects.toMatchObject({ code: 'FUNCTION_ERROR', details });
    const after = await instance();
    expect(after).toEqual({ pid: before.pid, calls: before.calls + 2 });
  });

  it.each([
    ['rejects unheard', 'fragile', 'FUNCTION_ERROR', { errorType: 'Runtime.UnhandledPromiseRejection' }],
    ['throws from a timer', 'fragile', 'FUNCTION_ERROR', { errorType: 'RangeError', errorMessage: 'later' }],
    ['never settles', 'hasty', 'FUNCTION_TIMED_OUT', { timeoutMs: 1000 }],
    ['busy loop', 'hasty', 'FUNCTION_TIMED_OUT', { timeoutMs: 1000 }],
    ['starts a process and never settles', 'hasty', 'FUNCTION_TIMED_OUT', { timeoutMs: 1000 }],
    ['buffers', 'fragile', 'FUNCTION_OUT_OF_MEMORY', { memoryMiB: 128 }],
    ['slow buffers', 'fragile', 'FUNCTION_OUT_OF_MEMORY', { memoryMiB: 128 }],
    ['heap', 'fragile', 'FUNCTION_OUT_OF_MEMORY', { memoryMiB: 128 }],
    ['text', 'fragile', 'FUNCTION_OUT_OF_MEMORY', { memoryMiB: 128 }],
    ['exits', 'fragile', 'FUNCTION_EXITED', { exitCode: 0 }],
    ['aborts', 'fragile', 'FUNCTION_EXITED', { signal: 'SIGABRT' }],
    ['kills itself', 'fragile', 'FUNCTION_EXITED', { signal: 'SIGKILL' }],
    ['closes its channel', 'fragile', 'FUNCTION_EXITED', {}],
    ['writes rubbish to its channel', 'fragile', 'FUNCTION_EXITED', {}],
  ])('%s in %s: %s, and the next call gets a fresh instance', async (fault, name, code, details) => {
    const before = await instance(name);
    const tree = await functionProcess(before.pid);
    expect(tree).toHaveLength(1);
    await expect(device.invoke(name, { fault })).rejects.toMatchObject({ code, details });
    const after = await instance(name);
    expect(after.pid).not.toBe(before.pid);
    expect(after.calls).toBe(1);
    expect(await survivors(tree)).toEqual([]);
  });

  it('its time is up sooner when the device says so', async () => {
    const before = await instance();
    await expect(device.invoke('fragile', { fault: 'busy loop' }, { timeout: 300 })).rejects.toMatchObject({
      code: expect.stringMatching(/^(FUNCTION_TIMED_OUT|TIMED_OUT)$/) as string,
    });
    expect((await instance()).pid).not.toBe(before.pid);
  });

  it('what it started ends with it', async () => {
    const { pid } = await instance('hasty');
    const failing = refusalOf(device.invoke('hasty', { fault: 'starts a process and never settles' }));
    let grandchildren: ProcessId[] = [];
    while (grandchildren.length === 0) {
      grandchildren = (await processTree(pid)).filter((each) => each.pid !== pid);
    }
    expect(await failing).toMatchObject({ code: 'FUNCTION_TIMED_OUT' });
    expect(await survivors(grandchildren)).toEqual([]);
  });

  it('over 128 KB: RESULT_TOO_LARGE, with the limit; just below, it arrives', async () => {
    const before = await instance();
    await expect(call('returns much', { bytes: MAX_MQTT_PAYLOAD })).rejects.toMatchObject({
      code: 'RESULT_TOO_LARGE',
      details: { limit: MAX_MQTT_PAYLOAD },
    });
    await expect(call('returns too much for a frame')).rejects.toMatchObject({ code: 'RESULT_TOO_LARGE' });
    const bytes = MAX_MQTT_PAYLOAD - 512;
    await expect(call('returns much', { bytes })).resolves.toHaveLength(bytes);
    expect((await instance()).pid).toBe(before.pid);
  });

  it.each(['returns nothing', 'returns a function'])('%s: null, as on Lambda', async (fault) => {
    await expect(call(fault)).resolves.toBeNull();
  });

  it('a flood of output disturbs nobody', async () => {
    await expect(call('fills its output')).resolves.toBe('said');
  });
});

describe('styles of handlers', () => {
  it.each([
    [
      'esModule',
      {
        'index.mjs': 'import { value } from "./lib.mjs"; export const handler = async () => value;',
        'lib.mjs': 'export const value = await 42;',
      },
      {},
    ],
    [
      'esPackage',
      { 'index.js': 'export const handler = async () => 42;', 'package.json': '{"type":"module"}' },
      {},
    ],
    ['commonJs', { 'index.cjs': 'module.exports.handler = async () => 42;' }, {}],
    ['nested', { 'src/app.js': 'exports.run = async () => 42;' }, { handler: 'src/app.run' }],
    [
      'callback',
      { 'index.js': 'exports.handler = (event, context, callback) => setTimeout(callback, 1, null, 42);' },
      {},
    ],
    ['contextDone', { 'index.js': 'exports.handler = (event, context) => context.succeed(42);' }, {}],
    [
      'environment',
      { 'index.js': 'exports.handler = async () => Number(process.env.ANSWER);' },
      { environment: { ANSWER: '42' } },
    ],
  ])('%s', async (name, files, config) => {
    await register(name, files, config);
    await deploy(device, name);
    await expect(device.invoke(name)).resolves.toBe(42);
  });

  it('a callback with an error is FUNCTION_ERROR', async () => {
    const source = 'exports.handler = (event, context, callback) => callback(new RangeError("too far"));';
    await register('callbackError', { 'index.js': source });
    await deploy(device, 'callbackError');
    await expect(device.invoke('callbackError')).rejects.toMatchObject({
      code: 'FUNCTION_ERROR',
      details: { errorType: 'RangeError', errorMessage: 'too far' },
    });
  });

  it('sees who calls, for how long, and nothing of the edge itself', async () => {
    const source = `exports.handler = async (event, context) => ({
      name: context.functionName, version: context.functionVersion, memory: context.memoryLimitInMB,
      device: context.clientContext.custom.device, left: context.getRemainingTimeInMillis(),
      secrets: Object.keys(process.env).filter((name) => /^(AWS_(ACCESS|SECRET|SESSION)|EDGE_)/.test(name)),
    });`;
    await register('curious', { 'index.js': source }, { timeout: 3, memory: 96 });
    await deploy(device, 'curious');
    const seen = (await device.invoke('curious')) as { left: number };
    expect(seen).toMatchObject({
      name: 'curious',
      version: '1.0.0',
      memory: '96',
      device: 'sensor-1',
      secrets: [],
    });
    expect(seen.left).toBeLessThanOrEqual(3000);
  });
});

describe('asynchronous calls', () => {
  it('the failure is an event with the request id of the call', async () => {
    const gate = await Gate.make();
    const source = `exports.handler = async () => { ${gate.wait} throw new RangeError('too far'); };`;
    await register('late', { 'index.js': source }, { timeout: 60 });
    await deploy(device, 'late');
    const sent = await Promise.all([device.send('late'), device.send('late')]);
    await gate.open();
    for (const { requestId } of sent) {
      await expect(device.failureOf(requestId)).resolves.toMatchObject({
        code: 'FUNCTION_ERROR',
        details: { errorType: 'RangeError', errorMessage: 'too far' },
      });
    }
    expect(sent[0].requestId).not.toBe(sent[1].requestId);
    await gate.remove();
  });

  /** A failure that is there before the broker's acknowledgement is that of `send` itself. */
  function failureOfSend(name: string, fault: string): Promise<{ code: string }> {
    return device.send(name, { fault }).then(
      ({ requestId }) => device.failureOf(requestId),
      (error: { code: string }) => error,
    );
  }

  it.each([
    ['throws', 'fragile', 'FUNCTION_ERROR'],
    ['exits', 'fragile', 'FUNCTION_EXITED'],
    ['busy loop', 'hasty', 'FUNCTION_TIMED_OUT'],
    ['buffers', 'fragile', 'FUNCTION_OUT_OF_MEMORY'],
  ])('%s in %s: %s reaches the device, and the next call is served', async (fault, name, code) => {
    expect(await failureOfSend(name, fault)).toMatchObject({ code });
    await expect(instance(name)).resolves.toMatchObject({ pid: expect.any(Number) as number });
  });

  it('many at once, each with its failure', async () => {
    const failures = await Promise.all(Array.from({ length: 20 }, () => failureOfSend('fragile', 'throws')));
    expect(failures.map(({ code }) => code)).toEqual(Array(20).fill('FUNCTION_ERROR'));
  });
});

describe('more than there is room for', () => {
  let gate: Gate;
  beforeEach(async () => (gate = await Gate.make()));
  afterEach(() => gate.remove());

  const busy = () => `exports.handler = async (event) => { ${gate.wait} return event.n; };`;

  /** Runs calls and counts what becomes of them. */
  function flood(caller: DeviceProcess, name: string, count: number) {
    const outcomes = { answered: 0, refused: [] as string[] };
    const inputs = Array.from({ length: count }, (_, n) => n);
    const all = Promise.all(
      inputs.map((n) =>
        caller.invoke(name, { n }).then(
          (value) => void (outcomes.answered += Number(value === n)),
          (error: { code: string }) => void outcomes.refused.push(error.code),
        ),
      ),
    );
    return { outcomes, all };
  }

  it('QUEUE_FULL for what one function cannot take; what it accepted is answered', async () => {
    await register('crowded', { 'index.js': busy() }, { instances: 1, timeout: 60 });
    await Promise.all([deploy(device, 'crowded'), deploy(other, 'crowded')]);
    const floods = [flood(device, 'crowded', 200), flood(other, 'crowded', 200)];
    const refused = () => floods.flatMap(({ outcomes }) => outcomes.refused);
    // One runs and 256 wait, whoever they came from.
    await eventually(() => refused().length === 400 - 257);
    await gate.open();
    await Promise.all(floods.map(({ all }) => all));
    expect(new Set(refused())).toEqual(new Set(['QUEUE_FULL']));
    expect(floods[0]!.outcomes.answered + floods[1]!.outcomes.answered).toBe(257);
    await expect(device.invoke('crowded', { n: -1 })).resolves.toBe(-1);
  });

  it('QUEUE_FULL for what one device may have at work; the others have their own share', async () => {
    await register('greedy', { 'index.js': busy() }, { instances: 1, timeout: 60 });
    await deploy(device, 'greedy');
    const { outcomes, all } = flood(device, 'greedy', 300);
    await eventually(() => outcomes.refused.length === 300 - 256);
    await expect(deploy(other, 'steady')).resolves.toMatchObject({ version: '1.0.0' });
    await expect(other.invoke('steady', { n: 4 })).resolves.toBe(8);
    await expect(device.invoke('fragile')).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    await gate.open();
    await all;
    expect(outcomes.answered).toBe(256);
    await expect(instance()).resolves.toMatchObject({ pid: expect.any(Number) as number });
  });

  it('a call that waits in vain is told so in its own time, and does not run', async () => {
    await register('held', { 'index.js': busy() }, { instances: 1, timeout: 60 });
    await deploy(device, 'held');
    const first = device.invoke('held', { n: 1 });
    await gate.arrivals(1);
    await expect(device.invoke('held', { n: 2 }, { timeout: 500 })).rejects.toMatchObject({
      code: 'TIMED_OUT',
    });
    await gate.open();
    await expect(first).resolves.toBe(1);
    await expect(device.invoke('held', { n: 3 })).resolves.toBe(3);
  });
});

describe('versions side by side', () => {
  const says = (text: string) => ({ 'index.js': `exports.handler = async () => '${text}';` });

  it('two devices that ask for two versions at once each get their own, and keep it', async () => {
    await register('twin', says('one'), { version: '1.0.0' });
    await register('twin', says('two'), { version: '2.0.0' });
    const [one, two] = await Promise.all([
      deploy(device, 'twin', { version: '^1' }),
      deploy(other, 'twin', { version: '2.0.0' }),
    ]);
    expect([one.version, two.version]).toEqual(['1.0.0', '2.0.0']);
    const both = () => Promise.all([device.invoke('twin'), other.invoke('twin')]);
    for (let round = 0; round < 5; round += 1) expect(await both()).toEqual(['one', 'two']);
    await device.release('twin');
    const { operator, outputs } = environment;
    const { revision } = await operator.waitForDefinition(
      outputs.stateBucket,
      GROUP,
      ({ functions }) => functions['twin@1.0.0'] === undefined,
    );
    await runsRevision(edge, revision);
    await expect(other.invoke('twin')).resolves.toBe('two');
    await expect(device.invoke('twin', undefined, { version: '^1' })).rejects.toMatchObject({
      code: 'FUNCTION_NOT_DEPLOYED',
    });
  });

  it('a new version starts beside the old one; calls in flight and in the queue finish on the old', async () => {
    const gate = await Gate.make();
    const old = `exports.handler = async (event) => { if (event.wait) ${gate.wait} return { version: 1, pid: process.pid }; };`;
    await register('rolling', { 'index.js': old }, { version: '1.0.0', instances: 1, timeout: 60 });
    await register('rolling', says('2'), { version: '1.1.0' });
    await deploy(device, 'rolling', { version: '1.0.0' });
    const { pid } = (await device.invoke('rolling', {})) as { pid: number };
    const oldProcess = await functionProcess(pid);
    const inFlight = device.invoke('rolling', { wait: true });
    await gate.arrivals(1);
    const queued = device.invoke('rolling', {});
    await device.send('rolling', { wait: true });
    await expect(deploy(device, 'rolling', { version: '^1.1' })).resolves.toMatchObject({ version: '1.1.0' });
    await expect(device.invoke('rolling')).resolves.toBe('2');
    await gate.open();
    await expect(inFlight).resolves.toEqual({ version: 1, pid });
    await expect(queued).resolves.toEqual({ version: 1, pid });
    expect(await survivors(oldProcess)).toEqual([]);
    // The asynchronous call ran as well.
    await gate.arrivals(2);
    await expect(device.invoke('rolling')).resolves.toBe('2');
    await gate.remove();
  });
});

it('nobody else noticed anything', async () => {
  expect(await steady.stop()).toBeGreaterThan(100);
});

async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
