import { createFunctionHost, type FunctionLogLine } from '../../runtime/host';
import type { FunctionCall, FunctionHost, FunctionSpec } from '../../runtime/types';
import { buildProcessScript, silent, specOf, until, type Files } from './support';

let processScript: string;
let host: FunctionHost;
let lines: FunctionLogLine[];
let count = 0;

beforeAll(() => {
  processScript = buildProcessScript();
});
beforeEach(() => {
  lines = [];
  host = createFunctionHost({ processScript, poolSize: 2, log: silent, onLog: (line) => lines.push(line) });
});
afterEach(() => host.close());

async function run(
  files: Files | string,
  call: Partial<FunctionCall> = {},
  spec: Partial<FunctionSpec> = {},
) {
  const key = `fn@${(count += 1)}`;
  await host.start(key, specOf(typeof files === 'string' ? { 'index.js': files } : files, spec));
  const outcome = await host.invoke(key, { requestId: 'r1', event: { n: 20 }, ...call });
  return outcome.output;
}

describe('styles of handlers', () => {
  const styles: Record<string, Files> = {
    'CommonJS, async': { 'index.js': 'exports.handler = async (event) => event.n + 1' },
    'CommonJS, .cjs': { 'index.cjs': 'exports.handler = async (event) => event.n + 1' },
    'ES module, .mjs': { 'index.mjs': 'export const handler = async (event) => event.n + 1' },
    'ES module by package.json': {
      'package.json': '{ "type": "module" }',
      'index.js': 'export const handler = async (event) => event.n + 1',
    },
    'ES module by its syntax': { 'index.js': 'export const handler = async (event) => event.n + 1' },
    'ES module with top-level await': {
      'index.mjs':
        'const one = await Promise.resolve(1); export const handler = async (event) => event.n + one',
    },
    promise: { 'index.js': 'exports.handler = (event) => Promise.resolve(event.n + 1)' },
    callback: {
      'index.js':
        'exports.handler = (event, context, callback) => { setTimeout(callback, 1, null, event.n + 1) }',
    },
    'callback while a timer still runs': {
      'index.js':
        'exports.handler = (event, context, callback) => { setInterval(() => {}, 1000); callback(null, event.n + 1) }',
    },
    'context.succeed': {
      'index.js': 'exports.handler = (event, context) => { context.succeed(event.n + 1) }',
    },
    'context.done': {
      'index.js': 'exports.handler = (event, context) => { context.done(null, event.n + 1) }',
    },
    'plain return value': { 'index.js': 'exports.handler = (event) => event.n + 1' },
    'module.exports is a bundle': {
      'index.js': 'module.exports = { handler: async (event) => event.n + require("./lib/one.js") }',
      'lib/one.js': 'module.exports = 1',
    },
  };

  it.each(Object.entries(styles))('%s', async (_name, files) => {
    expect(await run(files)).toBe(21);
  });

  it('finds a handler in a folder, with the package.json next to it', async () => {
    const files = {
      'package.json': '{ "type": "module" }',
      'src/package.json': '{ "type": "commonjs" }',
      'src/app.js': 'exports.detect = async () => __filename.endsWith("app.js")',
    };
    expect(await run(files, {}, { handler: 'src/app.detect' })).toBe(true);
  });

  it.each(['exports.handler = () => {}', 'exports.handler = (event, context, callback) => {}'])(
    'answers null when nothing is left to run: %s',
    async (source) => {
      expect(await run(source)).toBeNull();
    },
  );

  it('counts only the first answer', async () => {
    const source = `exports.handler = (event, context, callback) => {
      callback(null, 1); callback(null, 2); context.fail(new Error('late')); }`;
    expect(await run(source)).toBe(1);
  });
});

describe('what a handler sees', () => {
  it('has the fields of context', async () => {
    const source = `exports.handler = async (event, context) => ({ ...context,
      remaining: context.getRemainingTimeInMillis(), kinds: [context.done, context.fail, context.succeed].map((f) => typeof f) })`;
    const context = await run(source, { clientContext: { custom: { device: 'sensor' } }, timeoutMs: 5000 });
    expect(context).toMatchObject({
      awsRequestId: 'r1',
      functionName: 'fn',
      functionVersion: '1.0.0',
      invokedFunctionArn: 'arn:aws:lambda:edge:000000000000:function:fn:1.0.0',
      memoryLimitInMB: '256',
      logGroupName: '/aws/lambda/fn',
      logStreamName: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[1\.0\.0\][0-9a-f]{32}$/),
      clientContext: { custom: { device: 'sensor' } },
      callbackWaitsForEmptyEventLoop: true,
      kinds: ['function', 'function', 'function'],
    });
    const { remaining } = context as { remaining: number };
    expect(remaining).toBeGreaterThan(0);
    expect(remaining).toBeLessThanOrEqual(5000);
  });

  it('has its environment before its module loads, and nothing of the core', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'of the core';
    process.env['NODE_OPTIONS_LIKE_SECRET'] = 'of the core';
    const fresh = createFunctionHost({ processScript, poolSize: 0, log: silent });
    try {
      const source =
        'const seen = { ...process.env }; exports.handler = async () => ({ seen, cwd: process.cwd() })';
      const spec = specOf({ 'index.js': source }, { environment: { LEVEL: '7' } });
      await fresh.start('env', spec);
      const { output } = await fresh.invoke('env', { requestId: 'r', event: {} });
      const { seen, cwd } = output as { seen: Record<string, string>; cwd: string };
      expect(seen).toMatchObject({
        LEVEL: '7',
        AWS_LAMBDA_FUNCTION_NAME: 'fn',
        LAMBDA_TASK_ROOT: spec.directory,
      });
      expect(JSON.stringify(seen)).not.toContain('of the core');
      const allowed = /^(PATH|LANG|TZ|HOME|LEVEL|LAMBDA_TASK_ROOT|_HANDLER|AWS_LAMBDA_.*)$/;
      expect(Object.keys(seen).filter((name) => !allowed.test(name))).toEqual([]);
      expect(cwd).toBe(spec.directory);
    } finally {
      delete process.env['AWS_SECRET_ACCESS_KEY'];
      delete process.env['NODE_OPTIONS_LIKE_SECRET'];
      await fresh.close();
    }
  });

  it('keeps its state between calls, and its lines carry the request id', async () => {
    const source = `console.log('loading'); let calls = 0;
      exports.handler = async (event) => { console.log('call ' + ++calls); console.error('bad\\nnews'); return calls }`;
    await host.start('log', specOf({ 'index.js': source }));
    await host.invoke('log', { requestId: 'a', event: {} });
    // Output has pipes of its own, and belongs to the call that runs when it is read.
    await until(() => lines.length === 4);
    expect((await host.invoke('log', { requestId: 'b', event: {} })).output).toBe(2);
    await until(() => lines.length === 7);
    const texts = (wanted: string, id?: string) =>
      lines.filter(({ stream, requestId }) => stream === wanted && requestId === id).map(({ text }) => text);
    expect(texts('stdout')).toEqual(['loading']);
    expect(texts('stdout', 'a')).toEqual(['call 1']);
    expect(texts('stderr', 'a')).toEqual(['bad', 'news']);
    expect(texts('stdout', 'b')).toEqual(['call 2']);
    expect(lines.every(({ key }) => key === 'log')).toBe(true);
  });

  it('gets an empty object when there is no event', async () => {
    expect(await run('exports.handler = async (event) => event', { event: undefined })).toEqual({});
  });
});

describe('results', () => {
  it.each([
    ['undefined', 'undefined', null],
    ['a function', '() => 1', null],
    ['a date', 'new Date(0)', '1970-01-01T00:00:00.000Z'],
    ['text with every kind of character', '"\\u2028 é 😀 \\\\ \\""', '\u2028 é 😀 \\ "'],
  ])('%s', async (_name, expression, expected) => {
    expect(await run(`exports.handler = async () => (${expression})`)).toEqual(expected);
  });

  it('reports how long the call took', async () => {
    await host.start('time', specOf({ 'index.js': 'exports.handler = async () => 1' }));
    const { durationMs } = await host.invoke('time', { requestId: 'r', event: {} });
    expect(durationMs).toBeGreaterThan(0);
  });

  it('carries events and results of several megabytes', async () => {
    const text = 'é'.repeat(2_000_000);
    expect(await run('exports.handler = async (event) => event', { event: { text } })).toEqual({ text });
  });
});
