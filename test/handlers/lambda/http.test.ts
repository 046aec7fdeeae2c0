import type { Context } from 'aws-lambda';
import { EdgeError, MAX_MQTT_PAYLOAD, ROUTES, type RouteName } from '../../../protocol';
import { httpFunction, type RouteHandlers } from '../../../handlers/lambda/http';
import type { EdgeHttpEvent } from '../../../handlers/lambda/httpMiddleware';
import { CORE_CERTIFICATE } from '../fixtures';
import { MemoryLog } from '../memory/messages';

const context = { awsRequestId: 'aws-1' } as Context;
const document = {
  requestId: 'r-1',
  device: 'camera-1',
  platform: { node: '20.20.2', architecture: 'x64', os: 'linux' },
};

function eventOf(route: RouteName, more: object = {}): EdgeHttpEvent {
  return {
    routeKey: `${ROUTES[route].method} ${ROUTES[route].path}`,
    pathParameters: { group: 'plant', function: 'detect' },
    headers: {},
    requestContext: {
      authorizer: { iam: { userArn: `arn:aws:sts::123456789012:assumed-role/Core/${CORE_CERTIFICATE}` } },
    },
    body: JSON.stringify(document),
    isBase64Encoded: false,
    ...more,
  } as unknown as EdgeHttpEvent;
}

async function call(event: EdgeHttpEvent, handlers: RouteHandlers = {}) {
  const log = new MemoryLog();
  const seen: unknown[] = [];
  const echo = async (request: unknown) => ({ body: (seen.push(request), { ok: true }) });
  const handler = httpFunction('Core', log, { validateFunction: echo, getDevice: echo, ...handlers });
  const result = await handler(event, context);
  const body = result.body ? (JSON.parse(result.body) as { error?: { code: string } }) : undefined;
  return { result, body, seen, log };
}

describe('httpFunction', () => {
  it('gives the handler the caller, the path and the checked document', async () => {
    const { result, body, seen } = await call(eventOf('validateFunction'));
    expect([result.statusCode, result.headers, body]).toEqual([
      200,
      { 'content-type': 'application/json' },
      { ok: true },
    ]);
    expect(seen).toEqual([
      {
        caller: { certificateId: CORE_CERTIFICATE },
        path: { group: 'plant', function: 'detect' },
        query: {},
        headers: {},
        document: { ...document, location: 'edge' },
      },
    ]);
  });

  it('reads a body in base64', async () => {
    const body = Buffer.from(JSON.stringify(document)).toString('base64');
    const { seen } = await call(eventOf('validateFunction', { body, isBase64Encoded: true }));
    expect(seen).toMatchObject([{ document }]);
  });

  it.each([
    ['no JSON', { body: '{' }, 400, 'BAD_REQUEST'],
    ['no body', { body: undefined }, 400, 'BAD_REQUEST'],
    ['a wrong field', { body: JSON.stringify({ ...document, device: 'a/b' }) }, 400, 'BAD_REQUEST'],
    ['too much', { body: JSON.stringify('x'.repeat(MAX_MQTT_PAYLOAD + 2000)) }, 413, 'PAYLOAD_TOO_LARGE'],
    ['a bad path', { pathParameters: { group: 'plant', function: '../x' } }, 400, 'BAD_REQUEST'],
    ['no path', { pathParameters: undefined }, 400, 'BAD_REQUEST'],
    ['an unknown route', { routeKey: 'GET /other' }, 404, 'NOT_FOUND'],
    ['a route of another function', { routeKey: 'GET /groups/{group}/definition' }, 404, 'NOT_FOUND'],
  ])('refuses %s', async (_what, more, status, code) => {
    const { result, body, seen } = await call(eventOf('validateFunction', more));
    expect([result.statusCode, body?.error?.code, seen]).toEqual([status, code, []]);
  });

  it.each([
    ['nobody', undefined],
    ['a user', 'arn:aws:iam::123456789012:user/someone'],
    ['another role', `arn:aws:sts::123456789012:assumed-role/Other/${CORE_CERTIFICATE}`],
    ['another session', 'arn:aws:sts::123456789012:assumed-role/Core/session'],
    ['a name that only ends so', `arn:aws:sts::123456789012:assumed-role/Core/x${CORE_CERTIFICATE}`],
  ])('refuses %s as caller', async (_what, userArn) => {
    const requestContext = { authorizer: userArn && { iam: { userArn } } };
    const { result, body, seen } = await call(eventOf('validateFunction', { requestContext }));
    expect([result.statusCode, body?.error?.code, seen]).toEqual([403, 'CORE_NOT_AUTHORISED', []]);
  });

  it('answers a coded error with its status and body', async () => {
    const error = new EdgeError('NOT_ENTITLED', 'no', { details: { device: 'd' } });
    const { result, body } = await call(eventOf('validateFunction'), {
      validateFunction: async () => Promise.reject(error),
    });
    expect([result.statusCode, body]).toEqual([403, { error: error.toJSON() }]);
  });

  it('tells nothing of a fault but where it is logged', async () => {
    const { result, body, log } = await call(eventOf('validateFunction'), {
      validateFunction: async () => Promise.reject(new Error('arn:aws:s3:::secret-bucket')),
    });
    expect(result.statusCode).toBe(500);
    expect(JSON.stringify(body)).not.toContain('secret');
    expect(body).toMatchObject({ error: { code: 'INTERNAL', details: { awsRequestId: 'aws-1' } } });
    expect(log.lines).toMatchObject([{ level: 'error', fields: { message: 'arn:aws:s3:::secret-bucket' } }]);
  });

  it('answers without a body where there is none', async () => {
    const { result } = await call(eventOf('validateFunction'), {
      validateFunction: async () => ({ status: 304, headers: { etag: '"1"' } }),
    });
    expect(result).toEqual({ statusCode: 304, headers: { etag: '"1"' } });
  });

  it('checks the identifiers of every route', async () => {
    const bad = await call(eventOf('getDevice', { pathParameters: { group: 'plant', certificateId: 'x' } }));
    expect(bad.result.statusCode).toBe(400);
    const good = await call(
      eventOf('getDevice', { pathParameters: { group: 'plant', certificateId: CORE_CERTIFICATE } }),
    );
    expect(good.seen).toMatchObject([{ path: { certificateId: CORE_CERTIFICATE }, document: undefined }]);
  });
});
