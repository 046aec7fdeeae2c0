import type { Logger } from 'pino';
import { AwsError, type CloudContext, type Principal, type SignedRequest } from '../../base/context';
import type { HttpResponse } from '../../base/http';
import { parseQueryString } from '../iam/authorization';
import { S3Error } from './errors';
import { arnOfBucket, type Bucket, type ObjectChange, type StoredObject } from './model';
import type { ObjectStore } from './store';

/** An authenticated request, taken apart. */
export interface S3Request {
  method: string;
  /** Path and query as received. */
  resource: string;
  /** Empty for requests to the service. */
  bucket: string;
  /** Empty for requests to a bucket. */
  key: string;
  query: ReadonlyMap<string, string>;
  /** Lower-case names. A presigned request carries its x-amz-* headers in the query: they are here too. */
  headers: ReadonlyMap<string, string>;
  /** As received; `aws-chunked` is not yet decoded. */
  body: Buffer;
  principal: Principal;
  requestId: string;
}

/** What an operation works with. */
export interface S3Environment {
  context: CloudContext;
  store: ObjectStore;
  log: Logger;
  /** Tells the bucket's targets that something became of an object. */
  notify: (bucket: Bucket, change: ObjectChange) => void;
}

export type S3Operation = (
  environment: S3Environment,
  request: S3Request,
) => Promise<HttpResponse> | HttpResponse;

const MAX_KEY_BYTES = 1024;

/**
 * Takes a path-style request apart: `/<bucket>/<key>?<query>`. Throws InvalidURI, KeyTooLongError.
 */
export function readRequest(request: SignedRequest, principal: Principal, requestId: string): S3Request {
  const [path = '/'] = request.url.split('?', 1);
  if (!path.startsWith('/')) throw new S3Error('InvalidURI');
  const slash = path.indexOf('/', 1);
  const bucket = decodeUri(slash < 0 ? path.slice(1) : path.slice(1, slash));
  const key = slash < 0 ? '' : decodeUri(path.slice(slash + 1));
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw new S3Error('KeyTooLongError');
  const { query, hoisted } = readQuery(request.url);
  const { method, body } = request;
  const headers = new Map([...hoisted, ...readHeaders(request)]);
  return { method, resource: path, bucket, key, query, headers, body, principal, requestId };
}

function readHeaders({ headers }: SignedRequest): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, [value].flat().join(',')] as [string, string]],
  );
}

/** Presigning moves x-amz-* headers into the query, where they mean the same. */
function readQuery(url: string): { query: Map<string, string>; hoisted: Map<string, string> } {
  const query = new Map<string, string>();
  const hoisted = new Map<string, string>();
  for (const [name, value] of Object.entries(parseQueryString(url))) {
    const single = Array.isArray(value) ? (value[0] ?? '') : value;
    const lower = name.toLowerCase();
    if (lower.startsWith('x-amz-')) hoisted.set(lower, single);
    else query.set(name, single);
  }
  return { query, hoisted };
}

function decodeUri(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error('InvalidURI');
  }
}

/** Throws AccessDenied unless identity and bucket policy allow the action on the bucket or the key in it. */
export function permit(
  { context }: S3Environment,
  { principal }: S3Request,
  action: string,
  target: { bucket?: Bucket; key?: string },
  conditions?: Record<string, string | undefined>,
): void {
  const arn = target.bucket === undefined ? '*' : arnOfBucket(target.bucket.name);
  const resource = target.key === undefined ? arn : `${arn}/${target.key}`;
  try {
    context.iam.authorize(principal, action, resource, target.bucket?.policy, conditions);
  } catch (error) {
    if (!(error instanceof AwsError) || error.code !== 'AccessDeniedException') throw error;
    throw new AwsError('AccessDenied', error.message, 403);
  }
}

/**
 * The object of the request. Who may not list the bucket does not learn that a key is missing: S3
 * answers 403 then, and 404 to the others. Throws NoSuchKey, AccessDenied.
 */
export function requireObject(
  environment: S3Environment,
  request: S3Request,
  bucket: Bucket,
  key = request.key,
): StoredObject {
  const object = bucket.objects.get(key);
  if (object !== undefined) return object;
  try {
    permit(environment, request, 's3:ListBucket', { bucket });
  } catch (error) {
    environment.log.info({ bucket: bucket.name, key }, 'no such key; answered 403 for want of s3:ListBucket');
    throw error;
  }
  throw new S3Error('NoSuchKey', undefined, { Key: key });
}
