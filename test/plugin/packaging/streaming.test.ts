import { requireNoStreaming } from '../../../plugin/packaging/streaming';

const entries = (source: string) => [{ path: 'index.js', content: Buffer.from(source), executable: false }];

it.each([
  'exports.handler = awslambda.streamifyResponse(async () => {})',
  'const other = 1\nmodule.exports.handler = awslambda.streamifyResponse(stream)',
  'export const handler = awslambda.streamifyResponse(async () => {})',
  'var handler = awslambda.streamifyResponse(async () => {});\n',
])('refuses a handler that streams: %s', (source) => {
  expect(() => requireNoStreaming(entries(source), './index.handler')).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', field: 'handler' }),
  );
});

it.each([
  'exports.handler = async () => 1',
  '// awslambda.streamifyResponse(\nexports.handler = async () => 1',
  'function middy(options) {\n  return options.streamifyResponse ? awslambda.streamifyResponse(run) : run;\n}',
])('takes one that does not: %s', (source) => {
  expect(() => requireNoStreaming(entries(source), 'index.handler')).not.toThrow();
});
