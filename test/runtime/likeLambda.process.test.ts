import { existsSync, readFileSync } from 'node:fs';
import { createFunctionHost } from '../../runtime/host';
import type { FunctionHost } from '../../runtime/types';
import { EdgeError } from '../../protocol';
import { buildProcessScript, silent, specOf, type Files } from './support';

/** The rows of docs/functions.md that a function process shows. */
let host: FunctionHost;
let count = 0;

beforeAll(() => {
  host = createFunctionHost({ processScript: buildProcessScript(), poolSize: 1, log: silent });
});
afterAll(() => host.close());

async function run(
  files: Files | string,
  environment: Record<string, string> = {},
  handler = 'index.handler',
): Promise<unknown> {
  const key = `fn@${(count += 1)}`;
  const spec = specOf(typeof files === 'string' ? { 'index.js': files } : files, { environment, handler });
  await host.start(key, spec);
  return (await host.invoke(key, { requestId: 'r1', event: {} })).output;
}

async function refusal(...parameters: Parameters<typeof run>): Promise<EdgeError> {
  const error = await run(...parameters).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof EdgeError) return error;
  throw new Error('did not fail');
}

describe('the handler', () => {
  const nested = "exports.api = { handler: async () => 'nested' }; exports.handler = async () => 'plain'";

  it.each([
    ['index.api.handler', { 'index.js': nested }, 'nested'],
    ['./lib/index.api.handler', { 'lib/index.js': nested }, 'nested'],
    ['my.lib/index.handler', { 'my.lib/index.js': nested }, 'plain'],
    ['index.api.handler', { 'index.mjs': "export const api = { handler: async () => 'module' }" }, 'module'],
  ])('%s', async (handler, files, expected) => {
    expect(await run(files as Files, {}, handler)).toBe(expected);
  });

  it('names the nested export that is not there', async () => {
    const error = await refusal('exports.api = {}', {}, 'index.api.handler');
    expect(error.code).toBe('HANDLER_NOT_FOUND');
    expect(error.message).toContain('does not export a function "api.handler"');
  });
});

describe('variables that are read when a process starts, although processes wait in a pool', () => {
  it('NODE_OPTIONS, with paths from the package', async () => {
    const files = {
      'setup.js': "globalThis.prepared = 'yes'",
      'index.js': 'exports.handler = async () => prepared',
    };
    expect(await run(files, { NODE_OPTIONS: '--require ./setup.js' })).toBe('yes');
  });

  it('NODE_OPTIONS that Node.js does not take: says with what it was started', async () => {
    const error = await refusal('exports.handler = async () => 1', {
      NODE_OPTIONS: '--require /opt/wrapper.js',
    });
    expect(error.code).toBe('FUNCTION_EXITED');
    expect(error.message).toContain('NODE_OPTIONS="--require /opt/wrapper.js"');
  });

  it('NODE_PATH', async () => {
    const files = {
      'vendor/left.js': "module.exports = 'vendored'",
      'index.js': "exports.handler = async () => require('left')",
    };
    expect(await run(files, { NODE_PATH: './vendor' })).toBe('vendored');
  });

  it('NODE_EXTRA_CA_CERTS and UV_THREADPOOL_SIZE are there from the first moment', async () => {
    if (!existsSync('/proc/self/environ')) return;
    const source = `exports.handler = async () => require('fs').readFileSync('/proc/self/environ', 'utf8').split('\\0')`;
    const environment = { UV_THREADPOOL_SIZE: '9', NODE_EXTRA_CA_CERTS: './ca.pem', LEVEL: '7' };
    const started = (await run({ 'ca.pem': '', 'index.js': source }, environment)) as string[];
    expect(started).toEqual(expect.arrayContaining(['UV_THREADPOOL_SIZE=9', 'NODE_EXTRA_CA_CERTS=./ca.pem']));
    expect(started).not.toContain('LEVEL=7');
  });
});

it.each([
  [{}, ':UTC', 0],
  [{ TZ: 'Asia/Tokyo' }, 'Asia/Tokyo', 9],
])('TZ: %j', async (environment, name, hour) => {
  const source = 'exports.handler = async () => [process.env.TZ, new Date(0).getHours()]';
  expect(await run(source, environment)).toEqual([name, hour]);
});

it('LAMBDA_TASK_ROOT is the package, and the working directory', async () => {
  const source = 'exports.handler = async () => [process.env.LAMBDA_TASK_ROOT, process.cwd(), __dirname]';
  const [root, cwd, directory] = (await run(source)) as string[];
  expect([cwd, directory]).toEqual([root, root]);
  expect(readFileSync(`${root}/index.js`, 'utf8')).toBe(source);
});

describe('what the package lacks', () => {
  it.each([
    ['@aws-sdk/client-s3', "require('@aws-sdk/client-s3')", /Only AWS Lambda itself brings the AWS SDK/],
    ['a module', "require('left-pad')", /"left-pad" is not in the package of the function: bundle/],
  ])('%s: says so, and what to do', async (_what, source, message) => {
    const error = await refusal(source);
    expect(error.code).toBe('FUNCTION_INIT_FAILED');
    expect(error.message).toMatch(message);
  });

  it('an imported one, and one that is only missed by a call', async () => {
    const imported = await refusal({ 'index.mjs': "import '@aws-sdk/client-s3'" });
    expect(imported.message).toMatch(/Only AWS Lambda itself/);
    const called = await refusal("exports.handler = async () => require('@aws-sdk/client-s3')");
    expect(called).toMatchObject({
      code: 'FUNCTION_ERROR',
      message: expect.stringMatching(/Only AWS Lambda itself/),
    });
  });

  it('a file of its own is no business of a bundler', async () => {
    expect((await refusal("require('./other')")).message).not.toMatch(/bundle the function/);
  });
});

it('a response that is a stream: says so when it is loaded', async () => {
  const error = await refusal('exports.handler = awslambda.streamifyResponse(async () => 1)');
  expect(error).toMatchObject({ code: 'FUNCTION_INIT_FAILED' });
  expect(error.message).toMatch(/cannot stream responses/);
});
