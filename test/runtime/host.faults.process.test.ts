import { createFunctionHost, type FunctionLogLine } from '../../runtime/host';
import type { FunctionHost, FunctionSpec } from '../../runtime/types';
import type { EdgeError } from '../../protocol';
import {
  buildProcessScript,
  isAlive,
  ManualClock,
  silent,
  specOf,
  until,
  writeFiles,
  type Files,
} from './support';

let host: FunctionHost;
let processScript: string;
const lines: FunctionLogLine[] = [];

beforeAll(() => {
  processScript = buildProcessScript();
  host = createFunctionHost({ processScript, poolSize: 1, log: silent, onLog: (line) => lines.push(line) });
});
afterAll(() => host.close());

let count = 0;
async function started(files: Files | string, changes: Partial<FunctionSpec> = {}): Promise<string> {
  const key = `fault@${(count += 1)}`;
  await host.start(key, specOf(typeof files === 'string' ? { 'index.js': files } : files, changes));
  return key;
}

function invoke(key: string, event: unknown = {}, timeoutMs?: number) {
  return host.invoke(key, { requestId: 'r', event, ...(timeoutMs !== undefined && { timeoutMs }) });
}

async function failure(promise: Promise<unknown>): Promise<EdgeError> {
  return promise.then(
    (value) => Promise.reject(new Error(`resolved with ${JSON.stringify(value)}`)),
    (error: unknown) => error as EdgeError,
  );
}

/** Fails as asked, else answers with its process id. */
const FRAGILE = `
  exports.handler = async (event) => {
    const kept = [];
    switch (event.fault) {
      case 'busy loop': for (;;);
      case 'never settles': return new Promise(() => {});
      case 'exit': process.exit(7);
      case 'signal': process.kill(process.pid, 'SIGTERM'); return new Promise(() => {});
      case 'buffers': for (;;) kept.push(Buffer.alloc(4_000_000, 1));
      case 'slow buffers':
        setInterval(() => kept.push(Buffer.alloc(8_000_000, 1)), 2); return new Promise(() => {});
      case 'heap': for (let i = 0; ; i += 1) kept.push({ i, text: 'x' + i });
      case 'unhandled rejection': Promise.reject(new TypeError('nobody waits')); return new Promise(() => {});
      case 'uncaught': setTimeout(() => { throw new RangeError('from a timer') }, 1); return new Promise(() => {});
      case 'closes the channel': require('node:fs').closeSync(3); return new Promise(() => {});
      case 'writes rubbish': require('node:fs').writeSync(3, 'rubbish rubbish'); return new Promise(() => {});
      default: return process.pid;
    }
  };`;

describe('a handler that throws', () => {
  it.each([
    ['async', 'exports.handler = async () => { throw new RangeError("too far") }'],
    ['at once', 'exports.handler = () => { throw new RangeError("too far") }'],
    ['callback', 'exports.handler = (event, context, callback) => callback(new RangeError("too far"))'],
    ['context.fail', 'exports.handler = (event, context) => context.fail(new RangeError("too far"))'],
  ])('%s', async (_style, source) => {
    const error = await failure(invoke(await started(source)));
    expect(error).toMatchObject({ code: 'FUNCTION_ERROR', message: 'too far' });
    expect(error.details).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' });
    expect((error.details?.['trace'] as string[])[0]).toBe('RangeError: too far');
  });

  it.each([
    ['"text"', 'string', 'text'],
    ['undefined', 'undefined', 'undefined'],
    ['{ a: 1 }', 'object', '{"a":1}'],
    ['{ get message() { throw 1 } }', 'Error', 'an error that cannot be read'],
  ])('throws %s', async (thrown, errorType, errorMessage) => {
    const error = await failure(invoke(await started(`exports.handler = async () => { throw ${thrown} }`)));
    expect(error.details).toMatchObject({ errorType, errorMessage });
  });

  it('leaves the instance in use', async () => {
    const key = await started(
      'let calls = 0; exports.handler = async (event) => { calls += 1; if (event.bad) throw new Error("x"); return calls }',
    );
    await failure(invoke(key, { bad: true }));
    expect((await invoke(key)).output).toBe(2);
  });

  it('an enormous message is cut', async () => {
    const source = 'exports.handler = async () => { throw new Error("x".repeat(5e6)) }';
    const error = await failure(invoke(await started(source)));
    expect(JSON.stringify(error).length).toBeLessThan(100_000);
  });

  it('one that it writes to the channel itself is cut, too', async () => {
    const source = `exports.handler = (event, { awsRequestId: requestId }) => {
      const text = 'x'.repeat(1e6);
      const error = { errorType: text, errorMessage: text, trace: Array.from({ length: 100 }, () => text.slice(0, 2e4)) };
      const json = JSON.stringify({ type: 'error', requestId, code: 'FUNCTION_ERROR', error });
      const frame = Buffer.alloc(4 + json.length);
      frame.writeUInt32BE(json.length);
      frame.write(json, 4);
      for (let at = 0; at < frame.length; ) {
        try { at += require('node:fs').writeSync(3, frame, at); }
        catch (error) { if (error.code !== 'EAGAIN') throw error; }
      }
      return new Promise(() => {});
    }`;
    const error = await failure(invoke(await started(source)));
    expect(error).toMatchObject({ code: 'FUNCTION_ERROR' });
    expect(JSON.stringify(error).length).toBeLessThan(100_000);
  });
});

describe('a function that breaks its process', () => {
  it.each([
    ['busy loop', 'FUNCTION_TIMED_OUT', { timeoutMs: 300 }],
    ['never settles', 'FUNCTION_TIMED_OUT', { timeoutMs: 300 }],
    ['exit', 'FUNCTION_EXITED', { exitCode: 7, signal: null }],
    ['signal', 'FUNCTION_EXITED', { exitCode: null, signal: 'SIGTERM' }],
    ['buffers', 'FUNCTION_OUT_OF_MEMORY', { memoryMiB: 128 }],
    ['slow buffers', 'FUNCTION_OUT_OF_MEMORY', { memoryMiB: 128 }],
    ['heap', 'FUNCTION_OUT_OF_MEMORY', { memoryMiB: 128 }],
    ['unhandled rejection', 'FUNCTION_ERROR', { errorType: 'Runtime.UnhandledPromiseRejection' }],
    ['uncaught', 'FUNCTION_ERROR', { errorType: 'RangeError', errorMessage: 'from a timer' }],
    ['closes the channel', 'FUNCTION_EXITED', {}],
    ['writes rubbish', 'FUNCTION_EXITED', {}],
  ])('%s: %s, and the next call gets a fresh instance', async (fault, code, details) => {
    const timeoutMs = code === 'FUNCTION_TIMED_OUT' ? 300 : 25_000;
    const key = await started(FRAGILE, { memoryMiB: 128, timeoutMs });
    const before = (await invoke(key)).output as number;
    const error = await failure(invoke(key, { fault }));
    expect(error).toMatchObject({ code, details });
    const after = (await invoke(key)).output as number;
    expect(after).not.toBe(before);
    await until(() => !isAlive(before));
  });

  it("ends at the caller's own limit when that is shorter", async () => {
    const key = await started(FRAGILE);
    const error = await failure(invoke(key, { fault: 'busy loop' }, 100));
    expect(error).toMatchObject({ code: 'FUNCTION_TIMED_OUT', details: { timeoutMs: 100 } });
  });

  it('takes the processes that it started with it', async () => {
    const source = `const { spawn } = require('node:child_process');
      exports.handler = async () => {
        const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
        console.log('child ' + child.pid);
        return new Promise(() => {});
      };`;
    const key = await started(source, { timeoutMs: 400 });
    await failure(invoke(key));
    await until(() => lines.some(({ key: of }) => of === key));
    const pid = Number(lines.find(({ key: of }) => of === key)?.text.split(' ')[1]);
    await until(() => !isAlive(pid));
  });

  it('keeps the last lines before an exit', async () => {
    const key = await started('exports.handler = async () => { console.log("last words"); process.exit(1) }');
    await failure(invoke(key));
    expect(lines.filter(({ key: of }) => of === key).map(({ text }) => text)).toEqual(['last words']);
  });

  it('does not let garbage alone go over the limit', async () => {
    const source = `exports.handler = async () => {
      const ring = new Array(200_000);
      for (let i = 0; i < 8e6; i += 1) ring[i % ring.length] = { i, text: 'x' + i };
      return 'done';
    };`;
    expect((await invoke(await started(source, { memoryMiB: 128 }))).output).toBe('done');
  });
});

describe('a module that cannot be loaded', () => {
  it.each<[name: string, files: Files, code: string, message: RegExp]>([
    ['no file', { 'other.js': '' }, 'HANDLER_NOT_FOUND', /no index\.js, \.mjs or \.cjs/],
    [
      'unknown export',
      { 'index.js': 'exports.other = 1' },
      'HANDLER_NOT_FOUND',
      /does not export a function "handler"/,
    ],
    ['export is no function', { 'index.js': 'exports.handler = 1' }, 'HANDLER_NOT_FOUND', /does not export/],
    [
      'unknown export of an ES module',
      { 'index.mjs': 'export const a = 1' },
      'HANDLER_NOT_FOUND',
      /does not export/,
    ],
    ['syntax error', { 'index.js': 'exports.handler = {' }, 'FUNCTION_INIT_FAILED', /Unexpected/],
    [
      'syntax error in an ES module',
      { 'index.mjs': 'export const = 1' },
      'FUNCTION_INIT_FAILED',
      /Unexpected/,
    ],
    ['throws', { 'index.js': 'throw new RangeError("not here")' }, 'FUNCTION_INIT_FAILED', /not here/],
    ['throws null', { 'index.js': 'throw null' }, 'FUNCTION_INIT_FAILED', /null/],
    ['dependency missing', { 'index.js': 'require("left-pad")' }, 'FUNCTION_INIT_FAILED', /left-pad/],
    [
      'rejects meanwhile',
      { 'index.mjs': 'Promise.reject(new TypeError("early")); await new Promise(() => {})' },
      'FUNCTION_INIT_FAILED',
      /early/,
    ],
    ['exits', { 'index.js': 'process.exit(3)' }, 'FUNCTION_EXITED', /exit code 3/],
    [
      'allocates',
      { 'index.js': 'const a = []; for (;;) a.push(Buffer.alloc(4e6, 1))' },
      'FUNCTION_OUT_OF_MEMORY',
      /128 MiB/,
    ],
  ])('%s', async (_name, files, code, message) => {
    const key = `broken@${(count += 1)}`;
    const error = await failure(host.start(key, specOf(files, { memoryMiB: 128 })));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(host.has(key)).toBe(false);
    expect(await failure(invoke(key))).toMatchObject({ code: 'FUNCTION_NOT_DEPLOYED' });
  });

  it('says where it threw', async () => {
    const spec = specOf({ 'index.js': 'throw new RangeError("not here")' });
    const { details } = await failure(host.start('where', spec));
    expect(details).toMatchObject({ errorType: 'RangeError', errorMessage: 'not here' });
    expect((details?.['trace'] as string[]).join('\n')).toContain(`${spec.directory}/index.js:1`);
  });

  it('stays inside its package', async () => {
    const outside = writeFiles({ 'secret.js': 'exports.handler = async () => 1' });
    const spec = specOf({ 'index.js': '' });
    const handler = `../${outside.split('/').pop()}/secret.handler`;
    expect(await failure(host.start('escape', { ...spec, handler }))).toMatchObject({
      code: 'HANDLER_NOT_FOUND',
    });
  });

  it('is ended when it loads for more than ten seconds', async () => {
    const clock = new ManualClock();
    const seen: string[] = [];
    const onLog = ({ text }: FunctionLogLine) => void seen.push(text);
    const slow = createFunctionHost({ processScript, poolSize: 0, log: silent, clock, onLog });
    try {
      const spec = specOf({ 'index.mjs': 'console.log("loading"); await new Promise(() => {})' });
      const failed = failure(slow.start('slow', spec));
      await until(() => seen.length === 1);
      clock.advance(9_999);
      expect(slow.has('slow')).toBe(false);
      clock.advance(1);
      expect(await failed).toMatchObject({ code: 'FUNCTION_TIMED_OUT', details: { timeoutMs: 10_000 } });
    } finally {
      await slow.close();
    }
  });
});

describe('results that cannot be sent', () => {
  it.each([
    ['circular', 'const a = {}; a.a = a; return a'],
    ['BigInt', 'return 1n'],
    ['toJSON throws', 'return { toJSON() { throw new Error("no") } }'],
  ])('%s', async (_name, body) => {
    const key = await started(`exports.handler = async () => { ${body} }`);
    const error = await failure(invoke(key));
    expect(error).toMatchObject({ code: 'FUNCTION_ERROR', details: { errorType: 'Runtime.MarshalError' } });
  });

  it('too large: coded, and the instance stays', async () => {
    const key = await started(
      'let calls = 0; exports.handler = async (event) => { calls += 1; return event.big ? "x".repeat(7e6) : calls }',
    );
    expect(await failure(invoke(key, { big: true }))).toMatchObject({ code: 'RESULT_TOO_LARGE' });
    expect((await invoke(key)).output).toBe(2);
  });

  it('an event that is no JSON or too large costs no instance', async () => {
    const key = await started('let calls = 0; exports.handler = async () => (calls += 1)');
    expect(await failure(invoke(key, { n: 1n }))).toMatchObject({ code: 'BAD_REQUEST' });
    expect(await failure(invoke(key, 'x'.repeat(7e6)))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    expect((await invoke(key)).output).toBe(1);
  });
});
