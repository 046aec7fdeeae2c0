import type { HttpResponse } from '../../../base/http';
import { permit, requireObject } from '../operation';
import { S3Error } from '../errors';
import { checkRead } from '../preconditions';
import type { StoredObject } from '../model';
import type { S3Operation, S3Request } from '../operation';

/** Query parameters that replace a header of the answer. */
export const RESPONSE_OVERRIDES = {
  'response-cache-control': 'cache-control',
  'response-content-disposition': 'content-disposition',
  'response-content-encoding': 'content-encoding',
  'response-content-language': 'content-language',
  'response-content-type': 'content-type',
  'response-expires': 'expires',
} as const;

/** GetObject and HeadObject; the server leaves the body of a HEAD out. */
export const getObject: S3Operation = (environment, request) => {
  const bucket = environment.store.bucket(request.bucket);
  permit(environment, request, 's3:GetObject', { bucket, key: request.key });
  const object = requireObject(environment, request, bucket);
  if (checkRead(request, object) === 'notModified') {
    return { status: 304, headers: { etag: object.etag, 'last-modified': httpDate(object.lastModified) } };
  }
  return objectResponse(request, object);
};

function objectResponse(request: S3Request, object: StoredObject): HttpResponse {
  const { body } = object;
  const range = readRange(request.headers.get('range'), body.length);
  const headers = { ...objectHeaders(object), ...overrides(request) };
  if (range === undefined) {
    return { status: 200, headers: { ...headers, ...checksumHeaders(request, object) }, body };
  }
  const { first, last } = range;
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${first}-${last}/${body.length}` },
    body: body.subarray(first, last + 1),
  };
}

function objectHeaders({ headers, metadata, etag, lastModified }: StoredObject): Record<string, string> {
  const user = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
  return {
    ...headers,
    ...(Object.fromEntries(user) as Record<string, string>),
    etag,
    'last-modified': httpDate(lastModified),
    'accept-ranges': 'bytes',
  };
}

function checksumHeaders({ headers }: S3Request, { checksum }: StoredObject): Record<string, string> {
  if (checksum === undefined || headers.get('x-amz-checksum-mode')?.toUpperCase() !== 'ENABLED') return {};
  return {
    [`x-amz-checksum-${checksum.algorithm}`]: checksum.value,
    'x-amz-checksum-type': 'FULL_OBJECT',
  };
}

function overrides({ query }: S3Request): Record<string, string> {
  const replaced: Record<string, string> = {};
  for (const [parameter, header] of Object.entries(RESPONSE_OVERRIDES)) {
    const value = query.get(parameter);
    if (value !== undefined) replaced[header] = value;
  }
  return replaced;
}

function httpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

/**
 * `bytes=a-b`, `bytes=a-`, `bytes=-n` as first and last byte, inclusive; undefined for what is no such
 * range, which HTTP says to pass over. Throws InvalidRange when it lies outside.
 */
function readRange(header: string | undefined, size: number): { first: number; last: number } | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined;
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined;
  const first = from === '' ? Math.max(size - Number(to), 0) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (first >= size || (from === '' && Number(to) === 0)) throw new S3Error('InvalidRange');
  return { first, last };
}
