import type { HttpResponse } from '../../../base/http';
import { permit, requireObject } from '../access';
import { checkRead } from '../preconditions';
import { readRange } from '../range';
import type { Operation, S3Request, StoredObject } from '../types';

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
export const readObject: Operation = (environment, request) => {
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
