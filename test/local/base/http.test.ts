import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { EventEmitter, once } from 'node:events';
import { pino } from 'pino';
import { AwsError } from '../../../local/base/context';
import { jsonErrorResponse } from '../../../local/base/rest/json';
import { listen, type HttpRequest, type HttpResponse, type HttpServer } from '../../../local/base/http';

const log = pino({ level: 'silent' });
let server: HttpServer | undefined;

afterEach(() => server?.close());

async function start(
  handle: (request: HttpRequest) => Promise<HttpResponse>,
  more: { maxBodyBytes?: number; closeGraceMs?: number } = {},
): Promise<HttpServer> {
  server = await listen({ host: '127.0.0.1', handle, log, ...more });
  return server;
}

it('hands over the whole request and answers what it is told', async () => {
  const seen: HttpRequest[] = [];
  const { url } = await start(async (request) => {
    seen.push(request);
    return { status: 201, headers: { 'x-a': 'b' }, body: request.body };
  });
  const response = await fetch(`${url}/p%20q?x=%2F`, { method: 'PUT', body: 'content' });
  expect(response.status).toBe(201);
  expect(response.headers.get('x-a')).toBe('b');
  expect(await response.text()).toBe('content');
  expect(seen[0]).toMatchObject({ method: 'PUT', url: '/p%20q?x=%2F', body: Buffer.from('content') });
  expect(seen[0]?.socket.remoteAddress).toBe('127.0.0.1');
});

it('answers 413 over the limit, declared or not', async () => {
  const { url, port } = await start(async () => ({ status: 200 }), { maxBodyBytes: 10 });
  expect((await fetch(url, { method: 'POST', body: 'x'.repeat(11) })).status).toBe(413);
  expect((await fetch(url, { method: 'POST', body: 'x'.repeat(10) })).status).toBe(200);
  const chunked = httpRequest({ port, host: '127.0.0.1', method: 'POST' });
  chunked.on('error', () => undefined);
  chunked.write('x'.repeat(11));
  const [response] = (await once(chunked, 'response')) as [{ statusCode: number; resume(): void }];
  expect(response.statusCode).toBe(413);
  response.resume();
  chunked.destroy();
});

it('answers 500 when the handler throws', async () => {
  const { url } = await start(() => Promise.reject(new Error('broken')));
  expect((await fetch(url)).status).toBe(500);
});

it('sends no body with HEAD, but its length', async () => {
  const { url } = await start(async () => ({ status: 200, body: 'content' }));
  const response = await fetch(url, { method: 'HEAD' });
  expect(response.headers.get('content-length')).toBe('7');
  expect(await response.text()).toBe('');
});

it('closes kept connections, and lets a request in flight finish', async () => {
  const inFlight = new EventEmitter();
  const { url, port, close } = await start(
    async ({ url: path }) => {
      if (path === '/slow') {
        inFlight.emit('begun');
        await once(inFlight, 'release');
      }
      return { status: 200, body: 'done' };
    },
    { closeGraceMs: 60_000 },
  );
  const agent = new Agent({ keepAlive: true });
  const idle = httpRequest({ port, host: '127.0.0.1', agent }).end();
  const [first] = (await once(idle, 'response')) as [{ resume(): void; socket: NodeJS.EventEmitter }];
  const ended = once(first.socket, 'close');
  first.resume();
  const begun = once(inFlight, 'begun');
  const slow = fetch(`${url}/slow`);
  await begun;
  const closed = close();
  await ended;
  inFlight.emit('release');
  expect(await (await slow).text()).toBe('done');
  await closed;
  await expect(fetch(url)).rejects.toThrow();
  agent.destroy();
});

it('ends a connection that says nothing', async () => {
  const { port, close } = await start(async () => ({ status: 200 }), { closeGraceMs: 1 });
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  await close();
  await once(socket.resume(), 'close');
});

it('renders errors as the REST-JSON services do', () => {
  const response = jsonErrorResponse(new AwsError('ResourceNotFoundException', 'no such thing', 404), log);
  expect(response).toMatchObject({
    status: 404,
    headers: { 'x-amzn-errortype': 'ResourceNotFoundException' },
  });
  expect(JSON.parse(String(response.body))).toEqual({
    message: 'no such thing',
    __type: 'ResourceNotFoundException',
  });
  expect(jsonErrorResponse(new TypeError('fault'), log)).toMatchObject({ status: 500 });
});
