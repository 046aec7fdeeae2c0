import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { startS3, type Harness } from './harness';

/** A bucket with versions, through the unmodified client. */
const Bucket = 'history';

let harness: Harness;
beforeEach(async () => {
  harness = await startS3();
  await harness.s3.createBucket(Bucket);
  harness.s3.setVersioning(Bucket, true);
});
afterEach(() => harness.close());

const put = (Key: string, Body: string) => harness.operator.send(new PutObjectCommand({ Bucket, Key, Body }));
const remove = (Key: string, VersionId?: string) =>
  harness.operator.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
const text = async (Key: string) => {
  const { Body } = await harness.operator.send(new GetObjectCommand({ Bucket, Key }));
  return Body?.transformToString();
};
const versions = () => harness.operator.send(new ListObjectVersionsCommand({ Bucket }));

it('keeps what is written over and what is deleted', async () => {
  const first = await put('a', 'one');
  const second = await put('a', 'two');
  const { DeleteMarker, VersionId } = await remove('a');
  expect(DeleteMarker).toBe(true);
  await expect(text('a')).rejects.toMatchObject({ name: 'NoSuchKey' });
  expect((await harness.operator.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
  const { Versions, DeleteMarkers } = await versions();
  expect(Versions?.map((each) => [each.VersionId, each.IsLatest])).toEqual([
    [second.VersionId, false],
    [first.VersionId, false],
  ]);
  expect(DeleteMarkers).toMatchObject([{ Key: 'a', VersionId, IsLatest: true }]);

  await remove('a', VersionId);
  expect(await text('a')).toBe('two');
  await remove('a', second.VersionId);
  expect(await text('a')).toBe('one');
  await remove('a', first.VersionId);
  await expect(text('a')).rejects.toMatchObject({ name: 'NoSuchKey' });
  expect(await versions()).not.toHaveProperty('Versions');
});

it('is not empty before every version and marker is gone', async () => {
  await put('a', 'one');
  await put('a', 'two');
  await remove('a');
  await remove('never-there');
  const dropBucket = () => harness.operator.send(new DeleteBucketCommand({ Bucket }));
  await expect(dropBucket()).rejects.toMatchObject({ name: 'BucketNotEmpty' });
  const { Versions = [], DeleteMarkers = [] } = await versions();
  expect([Versions.length, DeleteMarkers.length]).toEqual([2, 2]);
  const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
  await harness.operator.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  await dropBucket();
});

it('an object from before has the version null, and conditions see the current object alone', async () => {
  harness.s3.setVersioning(Bucket, false);
  const { ETag } = await put('a', 'one');
  harness.s3.setVersioning(Bucket, true);
  await harness.operator.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'two', IfMatch: ETag }));
  const again = new PutObjectCommand({ Bucket, Key: 'a', Body: 'three', IfMatch: ETag });
  await expect(harness.operator.send(again)).rejects.toMatchObject({ name: 'PreconditionFailed' });
  const { Versions } = await versions();
  expect(Versions?.map(({ VersionId }) => VersionId).at(-1)).toBe('null');
  await remove('a');
  await harness.operator.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'new', IfNoneMatch: '*' }));
  expect(await text('a')).toBe('new');
});

it('who may delete objects may not delete their versions', async () => {
  const { VersionId } = await put('a', 'one');
  const Resource = `arn:aws:s3:::${Bucket}/*`;
  const client = harness.clientWith({ Effect: 'Allow', Action: 's3:DeleteObject', Resource });
  const forGood = new DeleteObjectCommand({ Bucket, Key: 'a', VersionId });
  await expect(client.send(forGood)).rejects.toMatchObject({ name: 'AccessDenied' });
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
});
