import { tryParseJson } from '../../../../lib/json';
import { S3Error } from '../errors';
import type { StoredObject } from '../model';
import { permit, type S3Operation, type S3Request } from '../operation';
import { listVersions, type ListedVersion } from '../versions';
import { xmlResponse } from '../xml';

const MAX_KEYS = 1000;

interface ListQuery {
  prefix: string;
  delimiter: string;
  maxKeys: number;
  startAfter: string;
  token?: ListToken;
}

/** The last entry of a page: a key, or a common prefix, below which everything was told of. */
interface ListToken {
  last: string;
  kind: 'key' | 'prefix';
}

interface Page {
  contents: StoredObject[];
  prefixes: string[];
  /** Where the next page begins; absent on the last. */
  next?: ListToken;
}

/** ListObjectsV2. Source: Amazon S3 API Reference. */
export const listObjectsV2: S3Operation = (environment, request) => {
  const bucket = environment.store.bucket(request.bucket);
  const query = readListQuery(request);
  permit(
    environment,
    request,
    's3:ListBucket',
    { bucket },
    {
      's3:prefix': query.prefix,
      's3:delimiter': query.delimiter,
      's3:max-keys': request.query.get('max-keys'),
    },
  );
  const page = pageOf([...bucket.objects.values()], query);
  return xmlResponse('ListBucketResult', describe(request, query, page));
};

function encoderOf({ query }: S3Request): (text: string) => string {
  return (text) => (query.has('encoding-type') ? encodeURIComponent(text).replaceAll('%2F', '/') : text);
}

function readListQuery({ query }: S3Request): ListQuery {
  const encoding = query.get('encoding-type') ?? 'url';
  if (query.get('list-type') !== '2' || encoding !== 'url') throw new S3Error('InvalidArgument');
  const maxKeys = Number(query.get('max-keys') ?? MAX_KEYS);
  if (!Number.isInteger(maxKeys) || maxKeys < 0) {
    throw new S3Error('InvalidArgument', 'Provided max-keys not an integer or within integer range');
  }
  const token = query.get('continuation-token');
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    maxKeys: Math.min(maxKeys, MAX_KEYS),
    startAfter: query.get('start-after') ?? '',
    ...(token === undefined ? {} : { token: readToken(token) }),
  };
}

function pageOf(objects: readonly StoredObject[], query: ListQuery): Page {
  const page: Page = { contents: [], prefixes: [] };
  let last: ListToken | undefined;
  for (const object of objects.filter(({ key }) => isCandidate(key, query)).sort(byKey)) {
    const common = commonPrefix(object.key, query);
    if (common !== undefined && common === page.prefixes.at(-1)) continue;
    if (page.contents.length + page.prefixes.length >= query.maxKeys) {
      return last === undefined ? page : { ...page, next: last };
    }
    if (common === undefined) page.contents.push(object);
    else page.prefixes.push(common);
    last = common === undefined ? { last: object.key, kind: 'key' } : { last: common, kind: 'prefix' };
  }
  return page;
}

function isCandidate(key: string, { prefix, startAfter, token }: ListQuery): boolean {
  if (!key.startsWith(prefix)) return false;
  if (token === undefined) return startAfter === '' || compareKeys(key, startAfter) > 0;
  if (token.kind === 'prefix' && key.startsWith(token.last)) return false;
  return compareKeys(key, token.last) > 0;
}

function commonPrefix(key: string, { prefix, delimiter }: ListQuery): string | undefined {
  if (delimiter === '') return undefined;
  const end = key.indexOf(delimiter, prefix.length);
  return end < 0 ? undefined : key.slice(0, end + delimiter.length);
}

function describe(request: S3Request, query: ListQuery, page: Page): Record<string, unknown> {
  const { prefix, delimiter, maxKeys, startAfter } = query;
  const url = request.query.has('encoding-type');
  const encoded = encoderOf(request);
  return {
    Name: request.bucket,
    Prefix: encoded(prefix),
    ...(delimiter === '' ? {} : { Delimiter: encoded(delimiter) }),
    ...(startAfter === '' ? {} : { StartAfter: encoded(startAfter) }),
    ...(url ? { EncodingType: 'url' } : {}),
    MaxKeys: maxKeys,
    KeyCount: page.contents.length + page.prefixes.length,
    IsTruncated: page.next !== undefined,
    ContinuationToken: request.query.get('continuation-token'),
    NextContinuationToken: page.next === undefined ? undefined : writeToken(page.next),
    Contents: page.contents.map(({ key, lastModified, etag, body }) => ({
      Key: encoded(key),
      LastModified: new Date(lastModified).toISOString(),
      ETag: etag,
      Size: body.length,
      StorageClass: 'STANDARD',
    })),
    CommonPrefixes: page.prefixes.map((common) => ({ Prefix: encoded(common) })),
  };
}

function writeToken(token: ListToken): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function readToken(text: string): ListToken {
  const token = tryParseJson(Buffer.from(text, 'base64url')) as Partial<ListToken> | null | undefined;
  const { last, kind } = token ?? {};
  if (typeof last === 'string' && (kind === 'key' || kind === 'prefix')) return { last, kind };
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect');
}

function byKey(a: StoredObject, b: StoredObject): number {
  return compareKeys(a.key, b.key);
}

/** S3 lists in the order of the keys' UTF-8 bytes, which is not that of JavaScript strings. */
function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * ListObjectVersions. Without markers to go on from: a caller that deletes what it was shown empties a
 * bucket page by page. Source: Amazon S3 API Reference.
 */
export const listObjectVersions: S3Operation = (environment, request) => {
  const bucket = environment.store.bucket(request.bucket);
  permit(environment, request, 's3:ListBucketVersions', { bucket });
  const prefix = request.query.get('prefix') ?? '';
  const found = listVersions(bucket, prefix).sort((a, b) => compareKeys(a.key, b.key));
  const page = found.slice(0, MAX_KEYS);
  const encoded = encoderOf(request);
  return xmlResponse('ListVersionsResult', {
    Name: request.bucket,
    Prefix: encoded(prefix),
    ...(request.query.has('encoding-type') ? { EncodingType: 'url' } : {}),
    MaxKeys: MAX_KEYS,
    IsTruncated: found.length > MAX_KEYS,
    Version: page
      .filter(({ object }) => object !== undefined)
      .map((version) => ({
        ...versionElements(version, encoded),
        ETag: version.object?.etag,
        Size: version.object?.body.length,
        StorageClass: 'STANDARD',
      })),
    DeleteMarker: page
      .filter(({ object }) => object === undefined)
      .map((version) => versionElements(version, encoded)),
  });
};

function versionElements(
  { key, versionId, isLatest, lastModified }: ListedVersion,
  encoded: (text: string) => string,
) {
  return {
    Key: encoded(key),
    VersionId: versionId,
    IsLatest: isLatest,
    LastModified: new Date(lastModified).toISOString(),
  };
}
