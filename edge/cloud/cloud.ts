import type { z } from 'zod';
import {
  EdgeError,
  errorResponseSchema,
  MAX_PACKAGE_BYTES,
  parseJsonWith,
  ROUTES,
  routePath,
  type PackageLocation,
  type RouteName,
} from '../../protocol';
import type { Cloud } from '../ports';
import { cloudSeam, type CloudCall } from '../seams';
import type { HttpClient, ServerAnswer } from './http';
import type { SignedHttp } from './signedHttp';

const TIMEOUT_MS = 10_000;
const DOWNLOAD_MS = 120_000;
const DOWNLOAD_IDLE_MS = 15_000;
/** A definition of 20 functions × 50 devices is 239 KB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** The answer still has to come back when the function's own time is up. */
const INVOKE_GRACE_MS = 250;

interface CallOptions {
  headers?: Record<string, string>;
  body?: unknown;
  timeoutMs?: number;
  repeatable?: boolean;
}

interface Routes {
  group: string;
  /** Base of the service's HTTP API, with its stage if it has one. */
  httpUrl: string;
  signed: SignedHttp;
}

/** The cloud's HTTP routes (protocol/http.ts), signed. Everything that fails is an EdgeError. */
export function createCloud({
  http,
  ...routes
}: Routes & {
  /** For presigned URLs, which carry their own authorisation. */
  http: HttpClient;
}): Cloud {
  return {
    validate: (functionName, request) =>
      traced({ operation: 'validate', functionName, requestId: request.requestId }, async () => {
        const params = { function: functionName };
        return read('validateFunction', await call(routes, 'validateFunction', params, { body: request }));
      }),
    definition: (etag) =>
      traced({ operation: 'definition' }, async () => {
        const headers: Record<string, string> = etag ? { 'if-none-match': etag } : {};
        const response = await call(routes, 'getGroupDefinition', {}, { headers });
        if (response.status === 304) return 'unchanged';
        return { ...read('getGroupDefinition', response), etag: response.headers.etag ?? '' };
      }),
    locate: (digest) =>
      traced({ operation: 'locate' }, async () =>
        read('getPackage', await call(routes, 'getPackage', { digest })),
      ),
    download: (location) =>
      traced({ operation: 'download', size: location.size }, () => download(http, location)),
    device: (certificateId) =>
      traced({ operation: 'device' }, async () =>
        read('getDevice', await call(routes, 'getDevice', { certificateId })),
      ),
    invoke: (functionName, request, limitMs) =>
      traced({ operation: 'invoke', functionName, requestId: request.requestId }, async () => {
        const options = { body: request, timeoutMs: limitMs + INVOKE_GRACE_MS, repeatable: false };
        try {
          const response = await call(routes, 'cloudRemoteExecution', { function: functionName }, options);
          return read('cloudRemoteExecution', response);
        } catch (error) {
          throw hasTimedOut(error) ? new EdgeError('TIMED_OUT', 'the cloud did not answer in time') : error;
        }
      }),
  };
}

function traced<T>(described: CloudCall, run: () => Promise<T>): Promise<T> {
  return cloudSeam.tracePromise(run, described);
}

async function call(
  { group, httpUrl, signed }: Routes,
  route: RouteName,
  params: Record<string, string>,
  { headers, body, timeoutMs = TIMEOUT_MS, repeatable = true }: CallOptions = {},
): Promise<ServerAnswer> {
  const response = await signed.send({
    method: ROUTES[route].method,
    url: new URL(httpUrl.replace(/\/$/, '') + routePath(route, { group, ...params })),
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: encodeBody(body) }),
    timeoutMs,
    maxBytes: MAX_ANSWER_BYTES,
    repeatable,
  });
  if (response.status >= 400) throw asEdgeError(response);
  return response;
}

function read<R extends RouteName>(
  route: R,
  { body }: ServerAnswer,
): z.output<(typeof ROUTES)[R]['response']> {
  return parseJsonWith(ROUTES[route].response, body, `answer of ${route}`, 'CLOUD_ERROR') as z.output<
    (typeof ROUTES)[R]['response']
  >;
}

/** Only a device's input can be nested too deeply to be written. Throws BAD_REQUEST. */
function encodeBody(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw new EdgeError('BAD_REQUEST', 'the input cannot be passed on as JSON', { field: 'input', cause });
  }
}

/** Throws CLOUD_UNREACHABLE, CLOUD_ERROR, or DIGEST_MISMATCH when the size is another. */
async function download(http: HttpClient, { url, size }: PackageLocation): Promise<Buffer> {
  if (size > MAX_PACKAGE_BYTES) throw new EdgeError('PACKAGE_TOO_LARGE');
  const { status, body } = await http.send({
    method: 'GET',
    url: new URL(url),
    timeoutMs: DOWNLOAD_MS,
    idleMs: DOWNLOAD_IDLE_MS,
    // An error answer may be longer than a small package.
    maxBytes: Math.max(size, 64 * 1024),
    repeatable: true,
  });
  if (status !== 200) throw new EdgeError('CLOUD_ERROR', `the package store answered ${status}`);
  if (body.length !== size) {
    throw new EdgeError('DIGEST_MISMATCH', `the package has ${body.length} bytes instead of ${size}`);
  }
  return body;
}

/** The cloud's own error where it sent one; what came from the gateway before it, by its status. */
function asEdgeError({ status, body }: ServerAnswer): EdgeError {
  try {
    return EdgeError.fromJSON(parseJsonWith(errorResponseSchema, body, 'error').error);
  } catch {
    const details = { status, body: body.toString('utf8', 0, 256) };
    if (status === 401 || status === 403) {
      return new EdgeError('CORE_NOT_AUTHORISED', 'the HTTP API refused this core', { details });
    }
    return new EdgeError('CLOUD_ERROR', `the HTTP API answered ${status}`, { details });
  }
}

function hasTimedOut(error: unknown): boolean {
  return error instanceof EdgeError && error.details?.['timedOut'] === true;
}
