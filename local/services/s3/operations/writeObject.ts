import { permit, requireObject } from '../operation';
import { verifiedBody } from '../body';
import { notImplemented, S3Error } from '../errors';
import { checkWrite } from '../preconditions';
import type { Bucket, ObjectChange, StoredObject } from '../model';
import type { S3Operation, S3Environment, S3Request } from '../operation';
import { xmlResponse } from '../xml';

const KEPT_HEADERS = ['cache-control', 'content-disposition', 'content-language', 'content-type', 'expires'];
const META_PREFIX = 'x-amz-meta-';
const DEFAULT_CONTENT_TYPE = 'binary/octet-stream';

export const putObject: S3Operation = async (environment, request) => {
  const bucket = environment.store.bucket(request.bucket);
  permit(environment, request, 's3:PutObject', { bucket, key: request.key });
  // Source: Amazon S3 User Guide, "Add preconditions to S3 operations": If-Match reads the object.
  if (request.headers.has('if-match')) {
    permit(environment, request, 's3:GetObject', { bucket, key: request.key });
  }
  const { content, md5, checksum } = verifiedBody(request);
  const object: StoredObject = {
    ...newObject(request.key, content, md5),
    headers: keptHeaders(request),
    metadata: userMetadata(request),
    ...(checksum === undefined ? {} : { checksum }),
  };
  // No await between the check and the change: of many writers at once exactly one finds it so.
  checkWrite(request, bucket.objects.get(request.key));
  await commit(environment, bucket, object, 'ObjectCreated:Put', requester(request));
  const checksumHeaders = checksum && {
    [`x-amz-checksum-${checksum.algorithm}`]: checksum.value,
    'x-amz-checksum-type': 'FULL_OBJECT',
  };
  return { status: 200, headers: { etag: object.etag, ...versionHeader(object), ...checksumHeaders } };
};

export const copyObject: S3Operation = async (environment, request) => {
  const source = readCopySource(request.headers.get('x-amz-copy-source') ?? '');
  const from = environment.store.bucket(source.bucket);
  const to = environment.store.bucket(request.bucket);
  permit(environment, request, 's3:GetObject', { bucket: from, key: source.key });
  permit(environment, request, 's3:PutObject', { bucket: to, key: request.key });
  const original = requireObject(environment, request, from, source.key);
  const replace = request.headers.get('x-amz-metadata-directive') === 'REPLACE';
  if (!replace && from === to && source.key === request.key) {
    throw new S3Error('InvalidRequest', 'A copy of an object to itself must change its metadata.');
  }
  const { versionId: _versionId, ...content } = original;
  const object: StoredObject = {
    ...content,
    key: request.key,
    lastModified: Date.now(),
    ...(replace ? { headers: keptHeaders(request), metadata: userMetadata(request) } : {}),
  };
  await commit(environment, to, object, 'ObjectCreated:Copy', requester(request));
  const LastModified = new Date(object.lastModified).toISOString();
  return xmlResponse('CopyObjectResult', { LastModified, ETag: object.etag }, versionHeader(object));
};

function versionHeader({ versionId }: StoredObject): Record<string, string> {
  return versionId === undefined ? {} : { 'x-amz-version-id': versionId };
}

export type Requester = Pick<ObjectChange, 'principalId' | 'requestId'>;

/** Stores the object; notifies once it is kept. */
export async function commit(
  { store, notify }: S3Environment,
  bucket: Bucket,
  object: StoredObject,
  name: ObjectChange['name'],
  by: Requester,
): Promise<void> {
  const sequencer = store.nextSequencer();
  await store.put(bucket, object);
  notify(bucket, { name, key: object.key, object, sequencer, ...by });
}

export function requester({ principal, requestId }: S3Request): Requester {
  return { principalId: `AWS:${principal.sessionName ?? principal.account}`, requestId };
}

/** An object without headers and metadata of its own. `md5`: of the body. */
export function newObject(key: string, body: Buffer, md5: Buffer): StoredObject {
  return {
    key,
    body,
    etag: `"${md5.toString('hex')}"`,
    lastModified: Date.now(),
    headers: { 'content-type': DEFAULT_CONTENT_TYPE },
    metadata: {},
  };
}

function keptHeaders({ headers }: S3Request): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': DEFAULT_CONTENT_TYPE };
  for (const name of KEPT_HEADERS) {
    const value = headers.get(name);
    if (value !== undefined && value !== '') kept[name] = value;
  }
  const encodings = (headers.get('content-encoding') ?? '')
    .split(',')
    .map((coding) => coding.trim())
    // Of the transfer, not of the object.
    .filter((coding) => coding !== '' && coding !== 'aws-chunked');
  if (encodings.length > 0) kept['content-encoding'] = encodings.join(',');
  return kept;
}

function userMetadata({ headers }: S3Request): Record<string, string> {
  return Object.fromEntries(
    [...headers]
      .filter(([name]) => name.startsWith(META_PREFIX))
      .map(([name, value]) => [name.slice(META_PREFIX.length), value]),
  );
}

function readCopySource(header: string): { bucket: string; key: string } {
  if (header.includes('?')) throw notImplemented('versions in x-amz-copy-source');
  const [, bucket, key] = /^\/?([^/]+)\/(.+)$/s.exec(decodeSource(header)) ?? [];
  if (bucket === undefined || key === undefined) throw new S3Error('InvalidArgument', 'Invalid copy source');
  return { bucket, key };
}

function decodeSource(header: string): string {
  try {
    return decodeURIComponent(header);
  } catch {
    throw new S3Error('InvalidArgument', 'Invalid copy source encoding');
  }
}
