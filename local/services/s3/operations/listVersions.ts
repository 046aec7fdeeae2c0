import { permit } from '../access';
import type { Operation } from '../types';
import { listVersions, type ListedVersion } from '../versions';
import { xmlDocument } from '../xml';
import { compareKeys, encoderOf } from './listObjects';

const MAX_KEYS = 1000;

/**
 * ListObjectVersions. Without markers to go on from: a caller that deletes what it was shown empties a
 * bucket page by page. Source: Amazon S3 API Reference.
 */
export const listObjectVersions: Operation = (environment, request) => {
  const bucket = environment.store.bucket(request.bucket);
  permit(environment, request, 's3:ListBucketVersions', { bucket });
  const prefix = request.query.get('prefix') ?? '';
  const found = listVersions(bucket, prefix).sort((a, b) => compareKeys(a.key, b.key));
  const page = found.slice(0, MAX_KEYS);
  const encoded = encoderOf(request);
  const body = xmlDocument('ListVersionsResult', {
    Name: request.bucket,
    Prefix: encoded(prefix),
    ...(request.query.has('encoding-type') ? { EncodingType: 'url' } : {}),
    MaxKeys: MAX_KEYS,
    IsTruncated: found.length > MAX_KEYS,
    Version: page
      .filter(({ object }) => object !== undefined)
      .map((version) => ({
        ...common(version, encoded),
        ETag: version.object?.etag,
        Size: version.object?.body.length,
        StorageClass: 'STANDARD',
      })),
    DeleteMarker: page
      .filter(({ object }) => object === undefined)
      .map((version) => common(version, encoded)),
  });
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
};

function common(
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
