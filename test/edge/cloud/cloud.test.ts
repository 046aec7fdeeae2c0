import { createHash, createHmac } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import pino from 'pino';
import type { Cloud } from '../../../edge/ports';
import { createCloud } from '../../../edge/cloud/cloud';
import { announceConnectivity, connectivityOf } from '../../../edge/cloud/connectivity';
import { createCredentialsProvider, type CredentialsProvider } from '../../../edge/cloud/credentials';
import { createHttpClient, type HttpClient } from '../../../edge/cloud/http';
import { createSignedHttp } from '../../../edge/cloud/signedHttp';
import { EdgeError, emptyDefinition } from '../../../protocol';
import { selfSigned, type TestCertificate } from '../support/certificates';
import { ManualClock } from '../support/manualClock';
import { manifestOf } from '../support/memoryCloud';
import { ScriptedServer, type Answer, type SeenRequest } from '../support/tlsServer';

const CREDENTIALS_PATH = '/role-aliases/core-role/credentials';

let identity: { server: TestCertificate; core: TestCertificate };
let server: ScriptedServer;
let clock: ManualClock;
let http: HttpClient;
let mutual: HttpClient;
let credentials: CredentialsProvider;
let cloud: Cloud;
let issued: number;

beforeAll(async () => {
  identity = { server: await selfSigned('server'), core: await selfSigned('core-1') };
});

beforeEach(async () => {
  server = await ScriptedServer.start(identity.server);
  clock = new ManualClock();
  issued = 0;
  const ca = identity.server.certificate;
  http = createHttpClient(createSecureContext({ ca }));
  mutual = createHttpClient(
    createSecureContext({ ca, cert: identity.core.certificate, key: identity.core.privateKey }),
  );
  credentials = createCredentialsProvider({
    ...{ core: 'core-1', credentialsUrl: server.url, roleAlias: 'core-role', http: mutual, clock },
  });
  const signed = createSignedHttp({ region: 'eu-west-1', service: 'execute-api', credentials, http });
  cloud = createCloud({ group: 'plant', httpUrl: `${server.url}/dev/`, signed, http });
});

afterEach(async () => {
  http.close();
  mutual.close();
  await server.close();
});

/** Answers the credentials provider; the rest as told. */
function answering(answer: (request: SeenRequest) => Answer): void {
  server.answer = (request) => {
    if (request.url !== CREDENTIALS_PATH) return answer(request);
    issued += 1;
    const expiration = new Date(clock.now() + 3_600_000).toISOString();
    const keys = {
      accessKeyId: `AKID${issued}`,
      secretAccessKey: `secret${issued}`,
      sessionToken: `token${issued}`,
    };
    return { body: { credentials: { ...keys, expiration } } };
  };
}

const routes = () => server.seen.filter(({ url }) => url !== CREDENTIALS_PATH);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof EdgeError ? error.code : `not an EdgeError: ${String(error)}`),
  );
}

const VALIDATE = {
  requestId: 'r1',
  device: 'camera-1',
  location: 'edge' as const,
  platform: { node: '20.19.0', architecture: 'x64', os: 'linux' },
};

describe('routes', () => {
  test('validateFunction: path, body, signature, and the checked answer', async () => {
    const answer = {
      manifest: manifestOf('detect', '1.0.0'),
      devices: ['*'],
      topics: { call: 'call/detect' },
    };
    answering(() => ({ body: answer }));
    expect(await cloud.validate('detect', VALIDATE)).toMatchObject(answer);
    const [seen] = routes();
    expect(seen).toMatchObject({ method: 'POST', url: '/dev/groups/plant/functions/detect/validate' });
    expect(JSON.parse(seen?.body ?? '')).toEqual(VALIDATE);
    expect(seen?.headers['x-amz-security-token']).toBe('token1');
    requireSignature(seen as SeenRequest, 'secret1', 'execute-api');
  });

  test('the definition with its ETag', async () => {
    const definition = emptyDefinition('plant');
    answering(({ headers }) =>
      headers['if-none-match'] === '"a"'
        ? { status: 304 }
        : { headers: { etag: '"a"' }, body: { definition } },
    );
    expect(await cloud.definition()).toEqual({ definition, etag: '"a"' });
    expect(await cloud.definition('"a"')).toBe('unchanged');
    requireSignature(routes()[1] as SeenRequest, 'secret1', 'execute-api');
  });

  test('packages, devices and invocations', async () => {
    const digest = 'a'.repeat(64);
    const location = { url: 'https://x', digest, size: 3, expiresAt: '2026-01-01T00:00:00Z' };
    answering(({ url }) => {
      if (url.includes('/packages/')) return { body: location };
      if (url.includes('/devices/')) return { body: { thingName: 'rover-1', certificateId: digest } };
      return { body: { version: '1.0.0', output: { ok: 1 }, durationMs: 4 } };
    });
    expect(await cloud.locate(digest)).toEqual(location);
    expect(await cloud.device(digest)).toEqual({ thingName: 'rover-1', certificateId: digest });
    expect(
      await cloud.invoke('train', { requestId: 'i1', device: 'camera-1', input: 1 }, 1_000),
    ).toMatchObject({
      output: { ok: 1 },
    });
    expect(routes().map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET /dev/groups/plant/packages/${digest}`,
      `GET /dev/groups/plant/devices/${digest}`,
      'POST /dev/groups/plant/functions/train/invoke',
    ]);
  });
});

describe('failures', () => {
  test.each<[string, Answer, string]>([
    [
      'the cloud’s own code',
      { status: 403, body: { error: { code: 'NOT_ENTITLED', message: 'no' } } },
      'NOT_ENTITLED',
    ],
    ['the gateway’s refusal', { status: 403, body: { message: 'Forbidden' } }, 'CORE_NOT_AUTHORISED'],
    ['a fault without a body', { status: 502 }, 'CLOUD_ERROR'],
    ['an answer of another form', { body: { what: 1 } }, 'CLOUD_ERROR'],
    ['an answer that is no JSON', { body: Buffer.from('<html>') }, 'CLOUD_ERROR'],
    ['a connection that ends', { cut: true }, 'CLOUD_UNREACHABLE'],
  ])('%s', async (_what, answer, code) => {
    answering(() => answer);
    expect(await codeOf(cloud.validate('detect', VALIDATE))).toBe(code);
  });

  test('nobody listens', async () => {
    answering(() => ({ body: {} }));
    await server.close();
    expect(await codeOf(cloud.validate('detect', VALIDATE))).toBe('CLOUD_UNREACHABLE');
    server = await ScriptedServer.start(identity.server);
  });

  test('a server of another authority is not spoken to', async () => {
    const strangers = createHttpClient(createSecureContext({ ca: identity.core.certificate }));
    const url = new URL(server.url);
    const request = { method: 'GET', url, timeoutMs: 5_000, maxBytes: 10, repeatable: true };
    expect(await codeOf(strangers.send(request))).toBe('CLOUD_UNREACHABLE');
    expect(server.seen).toEqual([]);
    strangers.close();
  });

  test('an invocation that is not answered: timed out', async () => {
    answering(() => ({ hang: true }));
    expect(await codeOf(cloud.invoke('train', { requestId: 'i1', device: 'camera-1' }, 20))).toBe(
      'TIMED_OUT',
    );
  });

  test('a kept connection that the server has closed: sent again, an invocation is not', async () => {
    answering(() => ({ body: { version: '1.0.0', output: 1, durationMs: 1 } }));
    const invoke = () => codeOf(cloud.invoke('train', { requestId: 'i', device: 'camera-1' }, 1_000));
    expect(await invoke()).toBe('no error');
    let cut = true;
    answering(() => {
      if (!cut) return { headers: { etag: '"a"' }, body: { definition: emptyDefinition('plant') } };
      cut = false;
      return { cut: true };
    });
    expect(await codeOf(cloud.definition())).toBe('no error');
    cut = true;
    expect(await invoke()).toBe('CLOUD_UNREACHABLE');
  });
});

describe('downloads', () => {
  const location = (size: number) => ({
    ...{ url: `${server.url}/packages/x.zip?X-Amz-Signature=abc`, digest: 'a'.repeat(64), size },
    expiresAt: '',
  });

  test('the bytes, without a signature of ours', async () => {
    answering(() => ({ body: Buffer.from('zip') }));
    expect((await cloud.download(location(3))).toString()).toBe('zip');
    expect(routes()[0]?.headers.authorization).toBeUndefined();
  });

  test('another size, an expired address, endless bytes', async () => {
    answering(() => ({ body: Buffer.from('zip') }));
    expect(await codeOf(cloud.download(location(4)))).toBe('DIGEST_MISMATCH');
    answering(() => ({ status: 403, body: Buffer.from('<Error/>') }));
    expect(await codeOf(cloud.download(location(3)))).toBe('CLOUD_ERROR');
    answering(() => ({ body: Buffer.alloc(1024 * 1024) }));
    expect(await codeOf(cloud.download(location(3)))).toBe('CLOUD_ERROR');
    expect(await codeOf(cloud.download(location(60 * 1024 * 1024)))).toBe('PACKAGE_TOO_LARGE');
  });
});

describe('credentials', () => {
  const definition = () => cloud.definition();

  beforeEach(() =>
    answering(() => ({ headers: { etag: '"a"' }, body: { definition: emptyDefinition('plant') } })),
  );

  test('are asked for with the core’s certificate and name, once for all', async () => {
    await Promise.all([definition(), definition(), definition()]);
    const asked = server.seen.filter(({ url }) => url === CREDENTIALS_PATH);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.headers['x-amzn-iot-thingname']).toBe('core-1');
    expect(asked[0]?.fingerprint?.replaceAll(':', '').toLowerCase()).toBe(identity.core.id);
    expect(routes().every(({ fingerprint }) => fingerprint === undefined)).toBe(true);
  });

  test('are renewed ahead of their expiry, and nobody waits for it', async () => {
    await definition();
    await clock.advance(3_600_000 - 300_000);
    await definition();
    expect(routes()[1]?.headers['x-amz-security-token']).toBe('token1');
    await credentials.get();
    while ((await credentials.get()).accessKeyId !== 'AKID2')
      await new Promise((resolve) => setImmediate(resolve));
    expect(issued).toBe(2);
  });

  test('that the cloud calls expired are renewed at once', async () => {
    answering(({ headers }) =>
      headers['x-amz-security-token'] === 'token1'
        ? { status: 403, body: { message: 'The security token included in the request is expired' } }
        : { headers: { etag: '"a"' }, body: { definition: emptyDefinition('plant') } },
    );
    expect(await codeOf(definition())).toBe('no error');
    expect(issued).toBe(2);
  });

  test.each<[Answer, string]>([
    [{ status: 403, body: { message: 'Access Denied' } }, 'CORE_NOT_AUTHORISED'],
    [{ status: 500 }, 'CLOUD_ERROR'],
    [{ body: { credentials: {} } }, 'CLOUD_ERROR'],
    [{ cut: true }, 'CLOUD_UNREACHABLE'],
  ])('refused with %j: %s', async (answer, code) => {
    server.answer = () => answer;
    expect(await codeOf(definition())).toBe(code);
  });
});

test('connectivity is announced, again until it is taken', async () => {
  let refusals = 1;
  let announced: () => void = () => undefined;
  const taken = new Promise<void>((resolve) => (announced = resolve));
  let refused: () => void = () => undefined;
  const wasRefused = new Promise<void>((resolve) => (refused = resolve));
  answering(() => {
    if (refusals-- > 0) return (refused(), { status: 500 });
    return (announced(), { body: {} });
  });
  const signed = createSignedHttp({ region: 'eu-west-1', service: 'greengrass', credentials, http });
  const info = connectivityOf('127.0.0.1', 8883);
  const announcement = announceConnectivity({
    ...{ connectivityUrl: server.url, core: 'core-1', info, signed, clock },
    log: pino({ level: 'silent' }),
  });
  await wasRefused;
  while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(500);
  await taken;
  announcement.stop();
  const [first, second] = routes();
  expect(first).toMatchObject({ method: 'PUT', url: '/greengrass/things/core-1/connectivityInfo' });
  expect(JSON.parse(second?.body ?? '')).toEqual({
    ConnectivityInfo: [{ Id: '127.0.0.1', HostAddress: '127.0.0.1', PortNumber: 8883, Metadata: '' }],
  });
  requireSignature(second as SeenRequest, 'secret1', 'greengrass');
});

test('a listener on every address is announced with those that others reach', () => {
  for (const { HostAddress, PortNumber } of connectivityOf('0.0.0.0', 1)) {
    expect(HostAddress).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(PortNumber).toBe(1);
  }
});

/** SigV4 from its specification, independent of the library that signed. */
function requireSignature(seen: SeenRequest, secret: string, service: string): void {
  const [, scope = '', names = '', signature = ''] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)/.exec(
      seen.headers.authorization ?? '',
    ) ?? [];
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const [path = '', query = ''] = seen.url.split('?');
  const headers = names.split(';').map((name) => `${name}:${String(seen.headers[name]).trim()}\n`);
  const canonical = [seen.method, encodeURI(path), query, headers.join(''), names, sha256(seen.body)].join(
    '\n',
  );
  const [date = '', region = ''] = scope.split('/');
  expect(scope).toBe(`${date}/eu-west-1/${service}/aws4_request`);
  expect(names.split(';')).toEqual(expect.arrayContaining(['host', 'x-amz-date', 'x-amz-security-token']));
  const time = String(seen.headers['x-amz-date']);
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`);
  expect(signature).toBe(hmac(key, text).toString('hex'));
}
