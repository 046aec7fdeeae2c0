import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { refusal, REGION, startS3, type Harness } from './harness';

const Bucket = 'objects';
let harness: Harness;

beforeAll(async () => {
  harness = await startS3();
  await harness.s3.createBucket(Bucket);
});
afterAll(() => harness.close());
beforeEach(() => harness.s3.emptyBucket(Bucket));

const put = (Key: string, Body: string, more = {}) =>
  harness.operator.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const read = async (Key: string) => {
  const { Body } = await harness.operator.send(new GetObjectCommand({ Bucket, Key }));
  return Body?.transformToString();
};

describe('objects', () => {
  it('gives back what was put, with its headers, metadata and quoted MD5', async () => {
    const { ETag } = await put('a/b.json', '{"x":1}', {
      ContentType: 'application/json',
      CacheControl: 'no-cache',
      Metadata: { origin: 'test' },
    });
    expect(ETag).toBe(`"${createHash('md5').update('{"x":1}').digest('hex')}"`);
    const found = await harness.operator.send(new GetObjectCommand({ Bucket, Key: 'a/b.json' }));
    expect(await found.Body?.transformToString()).toBe('{"x":1}');
    expect(found).toMatchObject({
      ETag,
      ContentType: 'application/json',
      CacheControl: 'no-cache',
      ContentLength: 7,
      Metadata: { origin: 'test' },
    });
    expect(found.ChecksumCRC32).toBeDefined();
    const head = await harness.operator.send(new HeadObjectCommand({ Bucket, Key: 'a/b.json' }));
    expect(head).toMatchObject({ ETag, ContentLength: 7, ContentType: 'application/json' });
  });

  it.each(['with space', 'umlaut/ü', "sub-delims!'()*", 'plus+percent%25', '../escape', 'a//b', '🚀/&<>"'])(
    'keeps the key %p',
    async (key) => {
      await put(key, key);
      expect(await read(key)).toBe(key);
      const { Contents } = await harness.operator.send(new ListObjectsV2Command({ Bucket }));
      expect(Contents?.map((one) => one.Key)).toEqual([key]);
    },
  );

  it('decodes a streamed body with its trailing checksum', async () => {
    const pieces = Array.from({ length: 5 }, (_, index) => Buffer.alloc(30_000, `${index}`));
    const length = 150_000;
    await harness.operator.send(
      new PutObjectCommand({ Bucket, Key: 's', Body: Readable.from(pieces), ContentLength: length }),
    );
    expect((await harness.s3.getObject(Bucket, 's')).equals(Buffer.concat(pieces))).toBe(true);
    const { ContentEncoding } = await harness.operator.send(new HeadObjectCommand({ Bucket, Key: 's' }));
    expect(ContentEncoding).toBeUndefined();
  });

  it.each([
    { ChecksumCRC32: 'AAAAAA==' },
    { ChecksumSHA256: createHash('sha256').update('other').digest('base64') },
    { ContentMD5: createHash('md5').update('other').digest('base64') },
  ])('refuses a body that does not have its checksum: %p', async (checksum) => {
    expect(await refusal(put('k', 'body', checksum))).toEqual({ name: 'BadDigest', status: 400 });
    expect(await refusal(read('k'))).toMatchObject({ name: 'NoSuchKey' });
  });

  it.each(['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const)('verifies and returns %s', async (algorithm) => {
    const put = new PutObjectCommand({ Bucket, Key: algorithm, Body: 'abc', ChecksumAlgorithm: algorithm });
    await harness.operator.send(put);
    const found = await harness.operator.send(new GetObjectCommand({ Bucket, Key: algorithm }));
    // The client verifies the body while it is read.
    expect(await found.Body?.transformToString()).toBe('abc');
    expect(found[`Checksum${algorithm}`]).toBeDefined();
  });

  it.each([
    ['bytes=0-2', '012', 'bytes 0-2/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-4', '6789', 'bytes 6-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
  ])('answers the range %s', async (Range, text, ContentRange) => {
    await put('digits', '0123456789');
    const part = await harness.operator.send(new GetObjectCommand({ Bucket, Key: 'digits', Range }));
    expect(await part.Body?.transformToString()).toBe(text);
    expect(part).toMatchObject({
      ContentRange,
      ContentLength: text.length,
      $metadata: { httpStatusCode: 206 },
    });
  });

  it('refuses a range outside of the object', async () => {
    await put('digits', '0123456789');
    const get = new GetObjectCommand({ Bucket, Key: 'digits', Range: 'bytes=10-' });
    expect(await refusal(harness.operator.send(get))).toEqual({ name: 'InvalidRange', status: 416 });
  });

  it('answers 304 while the reader has the latest', async () => {
    const { ETag } = await put('k', 'one');
    const get = new GetObjectCommand({ Bucket, Key: 'k', IfNoneMatch: ETag });
    expect(await refusal(harness.operator.send(get))).toMatchObject({ status: 304 });
    await put('k', 'two');
    const { Body } = await harness.operator.send(get);
    expect(await Body?.transformToString()).toBe('two');
  });

  it('deletes one, several, and what is not there', async () => {
    for (const key of ['a', 'b & c', 'd']) await put(key, key);
    await harness.operator.send(new DeleteObjectCommand({ Bucket, Key: 'missing' }));
    await harness.operator.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    const { Deleted, Errors } = await harness.operator.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'b & c' }, { Key: 'missing' }] } }),
    );
    expect(Deleted?.map((one) => one.Key)).toEqual(['b & c', 'missing']);
    expect(Errors ?? []).toEqual([]);
    const { Contents } = await harness.operator.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents?.map((one) => one.Key)).toEqual(['d']);
  });

  it('copies', async () => {
    await put('from here', 'content', { Metadata: { a: '1' } });
    const copy = new CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/from%20here` });
    await harness.operator.send(copy);
    const copied = await harness.operator.send(new GetObjectCommand({ Bucket, Key: 'to' }));
    expect(copied.Metadata).toEqual({ a: '1' });
    expect(await copied.Body?.transformToString()).toBe('content');
  });
});

describe('listing', () => {
  const list = (more = {}) => harness.operator.send(new ListObjectsV2Command({ Bucket, ...more }));

  it('filters, groups and pages in the order of UTF-8 bytes', async () => {
    const keys = ['a/1', 'a/2', 'b', 'c/x/1', 'c/y', 'd', '\uff5e', '\u{1f680}'];
    for (const key of [...keys].reverse()) await harness.s3.putObject(Bucket, key, key);
    expect((await list()).Contents?.map((one) => one.Key)).toEqual(keys);
    expect((await list({ Prefix: 'c/' })).Contents?.map((one) => one.Key)).toEqual(['c/x/1', 'c/y']);
    expect((await list({ StartAfter: 'c/y' })).Contents?.[0]?.Key).toBe('d');
    const grouped = await list({ Delimiter: '/' });
    expect(grouped.CommonPrefixes?.map((one) => one.Prefix)).toEqual(['a/', 'c/']);
    expect(grouped.Contents?.map((one) => one.Key)).toEqual(['b', 'd', '\uff5e', '\u{1f680}']);
    expect(grouped.KeyCount).toBe(6);
  });

  it.each([1, 2, 3, 10])('gives every entry exactly once in pages of %p', async (MaxKeys) => {
    for (const key of ['a/1', 'a/2', 'b', 'c/1', 'c/2', 'd']) await harness.s3.putObject(Bucket, key, '');
    const seen: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await list({ Delimiter: '/', MaxKeys, ContinuationToken });
      expect(page.KeyCount).toBeLessThanOrEqual(MaxKeys);
      seen.push(...(page.Contents ?? []).map((one) => one.Key));
      seen.push(...(page.CommonPrefixes ?? []).map((one) => one.Prefix));
      ContinuationToken = page.NextContinuationToken;
      expect(page.IsTruncated).toBe(ContinuationToken !== undefined);
    } while (ContinuationToken !== undefined);
    expect(seen.sort()).toEqual(['a/', 'b', 'c/', 'd']);
  });
});

describe('buckets', () => {
  it('are created, found, listed and deleted when empty', async () => {
    const name = { Bucket: 'another-bucket' };
    const { operator } = harness;
    await operator.send(new CreateBucketCommand(name));
    expect(await refusal(operator.send(new CreateBucketCommand(name)))).toEqual({
      name: 'BucketAlreadyOwnedByYou',
      status: 409,
    });
    expect((await operator.send(new HeadBucketCommand(name))).BucketRegion).toBe(REGION);
    const { Buckets } = await operator.send(new ListBucketsCommand({}));
    expect(Buckets?.map((one) => one.Name)).toEqual(['another-bucket', Bucket]);
    await operator.send(new PutObjectCommand({ ...name, Key: 'k', Body: 'x' }));
    expect(await refusal(operator.send(new DeleteBucketCommand(name)))).toEqual({
      name: 'BucketNotEmpty',
      status: 409,
    });
    await operator.send(new DeleteObjectCommand({ ...name, Key: 'k' }));
    await operator.send(new DeleteBucketCommand(name));
    expect(await refusal(operator.send(new HeadBucketCommand(name)))).toMatchObject({ status: 404 });
    expect(await refusal(operator.send(new PutObjectCommand({ ...name, Key: 'k', Body: 'x' })))).toEqual({
      name: 'NoSuchBucket',
      status: 404,
    });
  });
});

describe('what is not supported', () => {
  const cases = {
    'query parameter tagging': () => new GetObjectTaggingCommand({ Bucket, Key: 'k' }),
    'header x-amz-tagging': () => new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', Tagging: 'a=b' }),
    'GET on a bucket': () => new ListObjectsCommand({ Bucket }),
    'if-modified-since': () => new GetObjectCommand({ Bucket, Key: 'k', IfModifiedSince: new Date() }),
  };

  it.each(Object.entries(cases))('is answered 501 and named in the log: %s', async (missing, command) => {
    await harness.s3.putObject(Bucket, 'k', 'v');
    const send = harness.operator.send.bind(harness.operator) as (command: unknown) => Promise<unknown>;
    expect(await refusal(send(command()))).toEqual({ name: 'NotImplemented', status: 501 });
    const line = harness.logLines.findLast(({ msg }) => msg === 'not supported by the local S3');
    expect(line?.['reason']).toContain(missing);
  });
});

describe('a restart', () => {
  it('keeps objects with all that belongs to them, and what was deleted stays so', async () => {
    await put('kept ü', 'content', { Metadata: { a: 'b' }, ContentType: 'text/plain' });
    await put('deleted', 'content');
    await harness.operator.send(new DeleteObjectCommand({ Bucket, Key: 'deleted' }));
    const before = await harness.operator.send(new HeadObjectCommand({ Bucket, Key: 'kept ü' }));
    await harness.restart();
    const after = await harness.operator.send(new GetObjectCommand({ Bucket, Key: 'kept ü' }));
    expect(after).toMatchObject({
      ETag: before.ETag,
      LastModified: before.LastModified,
      Metadata: { a: 'b' },
      ContentType: 'text/plain',
    });
    expect(await after.Body?.transformToString()).toBe('content');
    expect(await refusal(read('deleted'))).toEqual({ name: 'NoSuchKey', status: 404 });
  });
});
