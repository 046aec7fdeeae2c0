import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHttpClient } from '../../../edge/cloud/http';
import { createTokenExchange } from '../../../edge/cloud/credentials';
import { ManualClock } from '../support/manualClock';

let server: Server;
let answer: { status: number; body: string };
let asked: { url?: string; authorization?: string }[];
const http = createHttpClient();
const clock = new ManualClock();

beforeEach(async () => {
  asked = [];
  server = createServer(({ url, headers: { authorization } }, response) => {
    asked.push({ ...(url && { url }), ...(authorization && { authorization }) });
    response.writeHead(answer.status).end(answer.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => new Promise((resolve) => server.close(resolve)));
afterAll(() => http.close());

function provider(address?: string) {
  const { port } = server.address() as AddressInfo;
  const variables = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: address ?? `http://localhost:${port}/2016-11-01/credentialprovider/`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token',
  };
  return createTokenExchange({ variables, http, clock });
}

const credentials = (minutes: number) =>
  JSON.stringify({
    ...{ AccessKeyId: 'id', SecretAccessKey: 'key', Token: 'session' },
    Expiration: new Date(clock.now() + minutes * 60_000).toISOString(),
  });

test('asks at 127.0.0.1, where the core listens, with the token; and keeps what it gets', async () => {
  answer = { status: 200, body: credentials(60) };
  const tokens = provider();
  const [first, second] = await Promise.all([tokens.get(), tokens.get()]);
  expect(first).toMatchObject({ accessKeyId: 'id', secretAccessKey: 'key', sessionToken: 'session' });
  expect(second).toEqual(first);
  expect(await tokens.get()).toEqual(first);
  expect(asked).toEqual([{ url: '/2016-11-01/credentialprovider/', authorization: 'token' }]);
  tokens.invalidate();
  await tokens.get();
  expect(asked).toHaveLength(2);
});

test.each([
  [500, 'CLOUD_UNREACHABLE'],
  [403, 'CLOUD_ERROR'],
])('%i: %s', async (status, code) => {
  answer = { status, body: 'Failed to get credentials' };
  await expect(provider().get()).rejects.toMatchObject({ code });
});

test('no credentials in the answer', async () => {
  answer = { status: 200, body: '{}' };
  await expect(provider().get()).rejects.toMatchObject({ code: 'CLOUD_ERROR', field: 'AccessKeyId' });
});

test('no role, no address', async () => {
  await expect(provider('').get()).rejects.toMatchObject({ code: 'CORE_NOT_AUTHORISED' });
});
