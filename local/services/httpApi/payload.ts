import { z } from 'zod';
import type { Principal } from '../../base/context';
import type { HttpRequest, HttpResponse } from '../../base/http';
import { decodePath } from './routes';

export interface EventInput {
  request: HttpRequest;
  requestId: string;
  apiId: string;
  account: string;
  stage: string;
  routeKey: string;
  /** Undecoded, stage included, without query. */
  path: string;
  pathParameters: Record<string, string>;
  /** Undefined on a route without authorisation. */
  principal: Principal | undefined;
  /** Milliseconds since the epoch. */
  now: number;
}

/**
 * The event of payload format 2.0. Source: API Gateway developer guide, "Create AWS Lambda proxy
 * integrations for HTTP APIs", payload format version 2.0.
 */
export function toEvent(input: EventInput): Record<string, unknown> {
  const { request, path, pathParameters } = input;
  const { cookie, ...headers } = joinHeaders(request.headers);
  const rawQueryString = request.url.split('?').slice(1).join('?');
  const query = joinQuery(rawQueryString);
  return {
    version: '2.0',
    routeKey: input.routeKey,
    rawPath: decodePath(path),
    rawQueryString,
    ...(cookie !== undefined && { cookies: cookie.split(/;\s*/) }),
    headers,
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    ...(Object.keys(pathParameters).length > 0 && { pathParameters }),
    requestContext: requestContext(input, headers),
    ...encodeBody(request.body, headers['content-type']),
  };
}

function requestContext(
  { request, requestId, apiId, account, stage, routeKey, path, principal, now }: EventInput,
  headers: Record<string, string>,
): Record<string, unknown> {
  return {
    accountId: account,
    apiId,
    ...(principal !== undefined && { authorizer: { iam: describePrincipal(principal) } }),
    domainName: headers['host'] ?? '',
    domainPrefix: apiId,
    http: {
      method: request.method,
      path: decodePath(path),
      protocol: 'HTTP/1.1',
      sourceIp: request.socket.remoteAddress ?? '',
      userAgent: headers['user-agent'] ?? '',
    },
    requestId,
    routeKey,
    stage,
    time: commonLogTime(now),
    timeEpoch: now,
  };
}

/** `userId` and `callerId` of a role are `<role id>:<session name>`; the id here is the role's name. */
function describePrincipal(principal: Principal): Record<string, unknown> {
  const id =
    principal.role === undefined
      ? principal.account
      : `${principal.role.name}:${principal.sessionName ?? ''}`;
  return {
    accessKey: principal.accessKeyId,
    accountId: principal.account,
    callerId: id,
    cognitoIdentity: null,
    principalOrgId: null,
    userArn: principal.arn,
    userId: id,
  };
}

function joinHeaders(headers: HttpRequest['headers']): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name.toLowerCase()] = [value].flat().join(',');
  }
  return joined;
}

function joinQuery(rawQueryString: string): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    joined[name] = Object.hasOwn(joined, name) ? `${joined[name]},${value}` : value;
  }
  return joined;
}

const TEXT_TYPE = /^(text\/|application\/(json|javascript|xml|[a-z0-9.+-]+\+(json|xml))\b)/i;

/** Text stays text; everything else, form posts included, comes in base64 as it does on AWS. */
function encodeBody(body: Buffer, contentType: string | undefined): Record<string, unknown> {
  if (body.length === 0) return { isBase64Encoded: false };
  const isText = contentType === undefined ? isUtf8(body) : TEXT_TYPE.test(contentType);
  return isText
    ? { body: body.toString('utf8'), isBase64Encoded: false }
    : { body: body.toString('base64'), isBase64Encoded: true };
}

function isUtf8(body: Buffer): boolean {
  return Buffer.from(body.toString('utf8'), 'utf8').equals(body);
}

/** `12/Mar/2020:19:03:58 +0000` */
function commonLogTime(now: number): string {
  const [, day, month, year, time] =
    /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(now).toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const proxyResponseSchema = z.object({
  statusCode: z.coerce.number().int().min(100).max(599),
  headers: z.record(z.string(), scalar).nullish(),
  multiValueHeaders: z.record(z.string(), z.array(scalar)).nullish(),
  body: z.union([z.string(), z.number(), z.boolean()]).nullish(),
  isBase64Encoded: z.boolean().nullish(),
  cookies: z.array(z.string()).nullish(),
});

/** Headers that the server sets itself. */
const HOP_BY_HOP = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
]);

/**
 * A function's result as an HTTP response, payload format 2.0: with `statusCode` it is taken as it
 * stands, without it becomes the JSON body of a 200. Undefined when the result is malformed.
 * Source: API Gateway developer guide, "Lambda function response for format 2.0".
 */
export function toHttpResponse(output: unknown): HttpResponse | undefined {
  if (output === null || typeof output !== 'object' || !('statusCode' in output)) {
    const body = typeof output === 'string' ? output : JSON.stringify(output ?? null);
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }
  const parsed = proxyResponseSchema.safeParse(output);
  if (!parsed.success) return undefined;
  const { statusCode, body, isBase64Encoded, cookies } = parsed.data;
  const headers: Record<string, string | string[]> = { 'content-type': 'text/plain;charset=utf-8' };
  const given = { ...parsed.data.headers, ...parsed.data.multiValueHeaders };
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower)) headers[lower] = value;
  }
  if (cookies != null && cookies.length > 0) headers['set-cookie'] = cookies;
  const text = body == null ? '' : String(body);
  return { status: statusCode, headers, body: isBase64Encoded ? Buffer.from(text, 'base64') : text };
}

/** API Gateway's own answers: `{"message":"Forbidden"}`. */
export function gatewayResponse(status: number, message: string): HttpResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) };
}
