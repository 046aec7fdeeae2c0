import { notImplemented, S3Error } from './errors';
import { createBucket, deleteBucket, headBucket, listBuckets } from './operations/buckets';
import { deleteObject, deleteObjects } from './operations/deleteObjects';
import { listObjects } from './operations/listObjects';
import { listObjectVersions } from './operations/listVersions';
import { readObject, RESPONSE_OVERRIDES } from './operations/readObject';
import { copyObject, putObject } from './operations/writeObject';
import type { Operation, S3Request } from './types';

interface Route {
  name: string;
  run: Operation;
  method: string;
  target: 'service' | 'bucket' | 'object';
  /** Query parameter or header that tells the operation from another of the same method and target. */
  marker?: string;
  /** Understood query parameters beside the marker. */
  query?: readonly string[];
  /** Understood x-amz-* and conditional headers; `*` at the end stands for any. */
  headers?: readonly string[];
}

const CONDITIONS = ['if-match', 'if-none-match'];
const READ_HEADERS = [...CONDITIONS, 'x-amz-checksum-mode'];
const BODY_HEADERS = ['x-amz-checksum-*', 'x-amz-decoded-content-length', 'x-amz-trailer'];
const OVERRIDES = Object.keys(RESPONSE_OVERRIDES);
const LIST_QUERY = [
  'prefix',
  'delimiter',
  'max-keys',
  'continuation-token',
  'start-after',
  'encoding-type',
] as const;

/** Of the same method and target, those with a marker come first. */
const ROUTES: readonly Route[] = [
  { name: 'ListBuckets', run: listBuckets, method: 'GET', target: 'service' },
  { name: 'CreateBucket', run: createBucket, method: 'PUT', target: 'bucket' },
  { name: 'HeadBucket', run: headBucket, method: 'HEAD', target: 'bucket' },
  { name: 'DeleteBucket', run: deleteBucket, method: 'DELETE', target: 'bucket' },
  {
    name: 'ListObjectsV2',
    run: listObjects,
    method: 'GET',
    target: 'bucket',
    marker: 'list-type',
    query: LIST_QUERY,
  },
  {
    name: 'ListObjectVersions',
    run: listObjectVersions,
    method: 'GET',
    target: 'bucket',
    marker: 'versions',
    query: ['prefix', 'encoding-type'],
  },
  {
    name: 'DeleteObjects',
    run: deleteObjects,
    method: 'POST',
    target: 'bucket',
    marker: 'delete',
    headers: BODY_HEADERS,
  },
  {
    name: 'CopyObject',
    run: copyObject,
    method: 'PUT',
    target: 'object',
    marker: 'x-amz-copy-source',
    headers: ['x-amz-copy-source', 'x-amz-metadata-directive', 'x-amz-meta-*'],
  },
  {
    name: 'PutObject',
    run: putObject,
    method: 'PUT',
    target: 'object',
    headers: [...CONDITIONS, ...BODY_HEADERS, 'x-amz-meta-*'],
  },
  {
    name: 'GetObject',
    run: readObject,
    method: 'GET',
    target: 'object',
    query: OVERRIDES,
    headers: READ_HEADERS,
  },
  {
    name: 'HeadObject',
    run: readObject,
    method: 'HEAD',
    target: 'object',
    query: OVERRIDES,
    headers: READ_HEADERS,
  },
  { name: 'DeleteObject', run: deleteObject, method: 'DELETE', target: 'object', query: ['versionId'] },
];

/** Of the signature and the client, not of the operation. */
const COMMON_HEADERS = new Set([
  'x-amz-algorithm',
  'x-amz-content-sha256',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
  'x-amz-user-agent',
]);
/** The SDK names the operation in it. */
const COMMON_QUERY = new Set(['x-id']);
const CONDITIONAL = /^(if-|x-amz-)/;

/**
 * The operation that a request asks for. Whatever it says that is not understood here changes its
 * meaning, so it is refused by name. Throws NotImplemented, MethodNotAllowed.
 */
export function route(request: S3Request): { name: string; run: Operation } {
  const target = request.bucket === '' ? 'service' : request.key === '' ? 'bucket' : 'object';
  const candidates = ROUTES.filter((one) => one.target === target && one.method === request.method);
  const found =
    candidates.find(({ marker }) => marker !== undefined && hasMarker(request, marker)) ??
    candidates.find(({ marker }) => marker === undefined);
  if (found === undefined) throw noOperation(request, target);
  requireUnderstood(request, found);
  return found;
}

function requireUnderstood({ query, headers }: S3Request, { name, ...known }: Route): void {
  const parameter = [...query.keys()].find(
    (one) => !COMMON_QUERY.has(one) && one !== known.marker && !known.query?.includes(one),
  );
  if (parameter !== undefined) throw notImplemented(`query parameter ${parameter} of ${name}`);
  const header = [...headers.keys()].find(
    (one) => CONDITIONAL.test(one) && !COMMON_HEADERS.has(one) && !isKnown(one, known.headers ?? []),
  );
  if (header !== undefined) throw notImplemented(`header ${header} of ${name}`);
}

function isKnown(header: string, known: readonly string[]): boolean {
  return known.some((one) => (one.endsWith('*') ? header.startsWith(one.slice(0, -1)) : header === one));
}

function hasMarker({ query, headers }: S3Request, marker: string): boolean {
  return query.has(marker) || headers.has(marker);
}

function noOperation({ method, query }: S3Request, target: Route['target']): S3Error {
  if (!['GET', 'HEAD', 'PUT', 'POST', 'DELETE'].includes(method)) return new S3Error('MethodNotAllowed');
  return notImplemented(`${method} on a ${target} with ?${[...query.keys()].join('&')}`);
}
