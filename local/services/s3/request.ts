import type { Principal, SignedRequest } from '../../base/context';
import { parseQuery } from '../iam/authorization';
import { S3Error } from './errors';
import type { S3Request } from './types';

const MAX_KEY_BYTES = 1024;

/**
 * Takes a path-style request apart: `/<bucket>/<key>?<query>`. Throws InvalidURI, KeyTooLongError.
 */
export function readRequest(request: SignedRequest, principal: Principal, requestId: string): S3Request {
  const [path = '/'] = request.url.split('?', 1);
  if (!path.startsWith('/')) throw new S3Error('InvalidURI');
  const slash = path.indexOf('/', 1);
  const bucket = decode(slash < 0 ? path.slice(1) : path.slice(1, slash));
  const key = slash < 0 ? '' : decode(path.slice(slash + 1));
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
  for (const [name, value] of Object.entries(parseQuery(url))) {
    const single = Array.isArray(value) ? (value[0] ?? '') : value;
    const lower = name.toLowerCase();
    if (lower.startsWith('x-amz-')) hoisted.set(lower, single);
    else query.set(name, single);
  }
  return { query, hoisted };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error('InvalidURI');
  }
}
