import type { Credentials, PolicyStatement } from '../../../../local/base/context';
import { HttpApi, type RouteProps } from '../../../../local/services/httpApi';
import { createLambda, type Lambda } from '../../../../local/services/lambda';
import { ACCOUNT, createTestCloud, PROCESS_SCRIPT, REGION, zipOf, type TestCloud } from '../lambda/support';
import { call } from './support';

const API = 'a1b2c3d4e5';
const EXECUTE = `arn:aws:execute-api:${REGION}:${ACCOUNT}:${API}`;
const VALIDATE = 'POST /groups/{group}/functions/{function}/validate';
const HANDLER = `
  exports.handler = async (event) => {
    if (event.rawPath === '/fail') throw new Error('no such luck');
    if (event.rawPath === '/malformed') return { statusCode: 'soon' };
    if (event.rawPath === '/hang') return new Promise(() => setInterval(() => undefined, 1000));
    if (event.rawPath === '/custom') {
      return { statusCode: 418, headers: { ETag: '"7"' }, cookies: ['a=1', 'b=2'], body: 'tea' };
    }
    return event;
  };`;

let cloud: TestCloud;
let lambda: Lambda;
let httpApi: HttpApi;
let url: string;
let integrationId: string;
/** Timeouts that the API waits for, by their callbacks. */
const timeouts: (() => void)[] = [];

beforeAll(async () => {
  cloud = await createTestCloud();
  lambda = await createLambda(cloud.context, {
    functionHost: { processScript: PROCESS_SCRIPT, poolSize: 1 },
    environment: () => ({}),
    readObject: () => Promise.reject(new Error('no objects here')),
    destinations: { putObject: async () => undefined },
    settleMs: 0,
  });
  await lambda.createFunction({
    FunctionName: 'echo',
    Role: cloud.functionRole('echo'),
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Timeout: 60,
    MemorySize: 256,
    Code: { ZipFile: await zipOf({ 'index.js': HANDLER }) },
  });
  lambda.addPermission('echo', {
    Action: 'lambda:InvokeFunction',
    Principal: 'apigateway.amazonaws.com',
    SourceArn: `${EXECUTE}/*`,
  });
  httpApi = new HttpApi(cloud.context, lambda, {
    now: Date.now,
    setTimeout: (callback) => {
      timeouts.push(callback);
      return { cancel: () => void timeouts.splice(timeouts.indexOf(callback), 1) };
    },
  });
  url = (await httpApi.createApi({ name: 'test', apiId: API })).apiEndpoint;
  httpApi.createStage(API, { stageName: '$default' });
  integrationId = integrate(lambda.functionArn('echo'));
  route(VALIDATE, 'AWS_IAM');
  for (const path of ['fail', 'malformed', 'hang', 'custom', 'echo']) route(`ANY /${path}`, 'NONE');
});

afterAll(async () => {
  await httpApi.close();
  await lambda.close();
  await cloud.close();
});

function integrate(integrationUri: string): string {
  const props = { integrationType: 'AWS_PROXY', payloadFormatVersion: '2.0', integrationUri } as const;
  return httpApi.createIntegration(API, props).integrationId;
}

function route(
  routeKey: string,
  authorizationType: RouteProps['authorizationType'],
  id = integrationId,
): string {
  return httpApi.createRoute(API, { routeKey, authorizationType, target: `integrations/${id}` }).routeId;
}

const allow = (resource: string): PolicyStatement => ({
  Effect: 'Allow',
  Action: 'execute-api:Invoke',
  Resource: resource,
});

async function answerOf(response: Response): Promise<{ status: number; body: unknown }> {
  return { status: response.status, body: await response.json() };
}

describe('a route with IAM authorisation', () => {
  const path = '/groups/plant/functions/detect/validate';
  const ask = (credentials: Credentials | undefined, change: object = {}): Promise<Response> =>
    call(`${url}${path}?b=2&a=1&a=x%20y`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'X-Thing': 'Core' },
      body: '{"requestId":"r1"}',
      ...(credentials && { credentials }),
      ...change,
    });

  test('hands the function the event of payload format 2.0, with the caller', async () => {
    const credentials = cloud.userWith(allow(`${EXECUTE}/$default/POST/groups/*/functions/*/validate`));
    const response = await ask(credentials);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    const event = (await response.json()) as Record<string, unknown>;
    expect(event).toMatchObject({
      version: '2.0',
      routeKey: VALIDATE,
      rawPath: path,
      rawQueryString: 'b=2&a=1&a=x%20y',
      queryStringParameters: { a: '1,x y', b: '2' },
      pathParameters: { group: 'plant', function: 'detect' },
      headers: { 'x-thing': 'Core', 'content-type': 'application/json' },
      body: '{"requestId":"r1"}',
      isBase64Encoded: false,
      requestContext: {
        accountId: ACCOUNT,
        apiId: API,
        stage: '$default',
        routeKey: VALIDATE,
        requestId: response.headers.get('apigw-requestid'),
        http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' },
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
        authorizer: {
          iam: {
            accessKey: credentials.accessKeyId,
            accountId: ACCOUNT,
            userArn: expect.stringMatching(
              /^arn:aws:sts::123456789012:assumed-role\/user-1\/session-of-user-1$/,
            ),
            userId: 'user-1:session-of-user-1',
          },
        },
      },
    });
  });

  test.each<[string, () => Promise<Response>]>([
    ['no signature', () => ask(undefined)],
    ['a body that was not signed', () => ask(cloud.context.iam.operator, { tamperedBody: '{}' })],
    ['a wrong secret', () => ask({ ...cloud.context.iam.operator, secretAccessKey: 'guess' })],
    ['a signature for another service', () => ask(cloud.context.iam.operator, { service: 's3' })],
    ['no permission', () => ask(cloud.userWith())],
    ['permission for another group', () => ask(cloud.userWith(allow(`${EXECUTE}/*/POST/groups/other/*`)))],
    ['permission for another method', () => ask(cloud.userWith(allow(`${EXECUTE}/*/GET/*`)))],
    ['permission for another API', () => ask(cloud.userWith(allow(`${EXECUTE}x/*`)))],
    [
      'a Deny beside the Allow',
      () => ask(cloud.userWith(allow('*'), { ...allow(`${EXECUTE}/*/POST/groups/plant/*`), Effect: 'Deny' })),
    ],
  ])('forbids %s', async (_what, send) => {
    expect(await answerOf(await send())).toEqual({ status: 403, body: { message: 'Forbidden' } });
  });

  test('an escaped letter does not slip past a Deny', async () => {
    const credentials = cloud.userWith(allow('*'), {
      ...allow(`${EXECUTE}/*/groups/plant/*`),
      Effect: 'Deny',
    });
    const response = await call(`${url}/groups/%70lant/functions/detect/validate`, {
      method: 'POST',
      credentials,
    });
    expect(response.status).toBe(403);
  });
});

describe('a route without authorisation', () => {
  test('takes binary bodies and form posts in base64, and cookies apart', async () => {
    const body = Buffer.from([0, 255, 1]);
    const headers = { 'content-type': 'application/octet-stream', cookie: 'a=1; b=2' };
    const binary = await call(`${url}/echo`, { method: 'PUT', body, headers });
    const event = (await binary.json()) as Record<string, unknown>;
    expect(event).toMatchObject({
      body: body.toString('base64'),
      isBase64Encoded: true,
      cookies: ['a=1', 'b=2'],
    });
    expect(event['headers']).not.toHaveProperty('cookie');
    expect(event['requestContext']).not.toHaveProperty('authorizer');
    expect(event).not.toHaveProperty('queryStringParameters');
    const form = await call(`${url}/echo`, {
      method: 'POST',
      body: 'a=1',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(await form.json()).toMatchObject({
      body: Buffer.from('a=1').toString('base64'),
      isBase64Encoded: true,
    });
  });

  test('gives the response that the function asks for', async () => {
    const response = await call(`${url}/custom`);
    expect(response.status).toBe(418);
    expect(response.headers.get('etag')).toBe('"7"');
    expect(response.headers.get('content-type')).toBe('text/plain;charset=utf-8');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await response.text()).toBe('tea');
  });

  test.each(['fail', 'malformed'])('answers 500 for a function that does /%s', async (path) => {
    expect(await answerOf(await call(`${url}/${path}`))).toEqual({
      status: 500,
      body: { message: 'Internal Server Error' },
    });
  });

  test('answers 503 when the function takes longer than the integration waits', async () => {
    const pending = call(`${url}/hang`);
    while (timeouts.length === 0) await new Promise(setImmediate);
    for (const callback of timeouts.splice(0)) callback();
    expect(await answerOf(await pending)).toEqual({ status: 503, body: { message: 'Service Unavailable' } });
  });

  test('answers 404 without a route, 400 for a broken escape, 413 over 6 and over 10 MB', async () => {
    expect(await answerOf(await call(`${url}/nowhere`))).toEqual({
      status: 404,
      body: { message: 'Not Found' },
    });
    expect((await call(`${url}/groups/%ZZ/functions/f/validate`, { method: 'POST' })).status).toBe(400);
    const tooLarge = { status: 413, body: { message: 'Request Entity Too Large' } };
    for (const megabytes of [6, 11]) {
      const body = 'x'.repeat(megabytes * 1024 * 1024);
      const headers = { 'content-type': 'text/plain' };
      expect(await answerOf(await call(`${url}/echo`, { method: 'POST', body, headers }))).toEqual(tooLarge);
    }
  });

  test('answers 500 when the function does not permit this API, and the log says why', async () => {
    const FunctionName = 'closed';
    await lambda.createFunction({
      FunctionName,
      Role: cloud.functionRole('closed'),
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: await zipOf({ 'index.js': HANDLER }) },
    });
    route('GET /closed/{part}', 'NONE', integrate(lambda.functionArn(FunctionName)));
    expect((await call(`${url}/closed/1`)).status).toBe(500);
    expect(cloud.logs).toContainEqual(
      expect.objectContaining({ sourceArn: `${EXECUTE}/$default/GET/closed/{part}`, level: 30 }),
    );
  });
});

describe('the control plane', () => {
  test('a named stage is part of the path', async () => {
    httpApi.createStage(API, { stageName: 'blue' });
    const event = (await (await call(`${url}/blue/echo`)).json()) as Record<string, unknown>;
    expect(event).toMatchObject({ rawPath: '/blue/echo', requestContext: { stage: 'blue' } });
    httpApi.deleteStage(API, 'blue');
    expect((await call(`${url}/blue/echo`)).status).toBe(404);
  });

  test('refuses what is not there or not possible', () => {
    const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;
    expect(() => httpApi.createStage('none', { stageName: 'a' })).toThrow(code('NotFoundException'));
    expect(() => route('GET /x', 'NONE', 'none')).toThrow(code('NotFoundException'));
    expect(() => route(VALIDATE, 'NONE')).toThrow(code('ConflictException'));
    expect(() => httpApi.deleteIntegration(API, integrationId)).toThrow(code('ConflictException'));
    expect(() => integrate('arn:aws:sqs:eu-central-1:1:queue')).toThrow(
      code('InvalidParameterValueException'),
    );
  });

  test('a deleted API takes no more requests', async () => {
    const { apiId, apiEndpoint } = await httpApi.createApi({ name: 'short' });
    expect((await call(apiEndpoint)).status).toBe(404);
    await httpApi.deleteApi(apiId);
    await expect(call(apiEndpoint)).rejects.toThrow('fetch failed');
    expect(() => httpApi.endpoint(apiId)).toThrow();
  });
});
