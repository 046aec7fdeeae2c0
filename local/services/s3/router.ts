import { notImplemented, S3Error } from './errors';
import { createBucket, deleteBucket, headBucket, listBuckets } from './operations/buckets';
import { deleteObject, deleteObjects } from './operations/deleteObjects';
import { listObjectVersions, listObjectsV2 } from './operations/listings';
import { getObject, RESPONSE_OVERRIDES } from './operations/readObject';
import { copyObject, putObject } from './operations/writeObject';
import type { S3Operation, S3Request } from './operation';

interface Route {
  name: string;
  run: S3Operation;
  method: string;
  target: string;
  /** Query parameter or header that tells the operation from another of the same method and target. */
  marker?: string;
  /** Understood query parameters beside the marker. */
  query?: readonly string[];
  /** Understood x-amz-* and conditional headers; `*` at the end stands for any. */
  headers?: readonly string[];
}

const CONDITIONS = ['if-match', 'if-none-match'];
const BODY_HEADERS = ['x-amz-checksum-*', 'x-amz-decoded-content-length', 'x-amz-trailer'];
const LISTED = ['prefix', 'encoding-type'];
const READ = {
  query: Object.keys(RESPONSE_OVERRIDES),
  headers: [...CONDITIONS, 'x-amz-checksum-mode'],
};

/** `on`: method and target, which is `service`, `bucket` or `object`. */
function operation(name: string, on: string, run: S3Operation, more: Partial<Route> = {}): Route {
  const [method = '', target = ''] = on.split(' ');
  return { name, run, method, target, ...more };
}

/** Of the same method and target, those with a marker come first. */
const ROUTES: readonly Route[] = [
  operation('ListBuckets', 'GET service', listBuckets),
  operation('CreateBucket', 'PUT bucket', createBucket),
  operation('HeadBucket', 'HEAD bucket', headBucket),
  operation('DeleteBucket', 'DELETE bucket', deleteBucket),
  operation('ListObjectsV2', 'GET bucket', listObjectsV2, {
    marker: 'list-type',
    query: [...LISTED, 'delimiter', 'max-keys', 'continuation-token', 'start-after'],
  }),
  operation('ListObjectVersions', 'GET bucket', listObjectVersions, { marker: 'versions', query: LISTED }),
  operation('DeleteObjects', 'POST bucket', deleteObjects, { marker: 'delete', headers: BODY_HEADERS }),
  operation('CopyObject', 'PUT object', copyObject, {
    marker: 'x-amz-copy-source',
    headers: ['x-amz-copy-source', 'x-amz-metadata-directive', 'x-amz-meta-*'],
  }),
  operation('PutObject', 'PUT object', putObject, {
    headers: [...CONDITIONS, ...BODY_HEADERS, 'x-amz-meta-*'],
  }),
  operation('GetObject', 'GET object', getObject, READ),
  operation('HeadObject', 'HEAD object', getObject, READ),
  operation('DeleteObject', 'DELETE object', deleteObject, { query: ['versionId'] }),
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
export function operationOf(request: S3Request): { name: string; run: S3Operation } {
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

function noOperation({ method, query }: S3Request, target: string): S3Error {
  if (!['GET', 'HEAD', 'PUT', 'POST', 'DELETE'].includes(method)) return new S3Error('MethodNotAllowed');
  return notImplemented(`${method} on a ${target} with ?${[...query.keys()].join('&')}`);
}
