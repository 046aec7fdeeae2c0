import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Event } from '../../../../local/services/s3';
import { refusal, startS3, type Harness } from './harness';

const Bucket = 'notifying';
let harness: Harness;

beforeAll(async () => {
  harness = await startS3();
});
afterAll(() => harness.close());
beforeEach(async () => {
  await harness.s3.createBucket(Bucket);
  await harness.s3.emptyBucket(Bucket);
});

const put = (Key: string, Body = 'x', more = {}) =>
  harness.operator.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

function record(rule: { events: string[]; prefix?: string; suffix?: string }): S3Event[] {
  const events: S3Event[] = [];
  const target = async (event: S3Event): Promise<void> => void events.push(event);
  harness.s3.setNotifications(Bucket, [{ ...rule, arn: 'arn:aws:lambda:::function:f', target }]);
  return events;
}

const keysOf = (events: S3Event[]) => events.map((event) => event.Records[0]?.s3.object.key);

it('come for keys with the prefix and the suffix only', async () => {
  const events = record({ events: ['s3:ObjectCreated:*'], prefix: 'uploads/', suffix: '.zip' });
  for (const key of ['uploads/a.zip', 'uploads/a.txt', 'other/a.zip', 'uploads/b.zip']) await put(key);
  await harness.events.idle();
  expect(keysOf(events).sort()).toEqual(['uploads/a.zip', 'uploads/b.zip']);
});

it('have the form of S3: encoded key, bare ETag, rising sequencer', async () => {
  const events = record({ events: ['s3:ObjectCreated:Put'] });
  const { ETag } = await put('a b/ü+(1).zip', 'body');
  await put('a b/ü+(1).zip', 'again');
  await harness.events.idle();
  const [first, second] = events
    .flatMap((event) => event.Records)
    .sort((a, b) => (a.s3.object.sequencer < b.s3.object.sequencer ? -1 : 1));
  expect(first).toMatchObject({
    eventSource: 'aws:s3',
    eventName: 'ObjectCreated:Put',
    awsRegion: 'eu-central-1',
    s3: {
      bucket: { name: Bucket, arn: `arn:aws:s3:::${Bucket}` },
      object: { key: 'a+b/%C3%BC%2B%281%29.zip', size: 4, eTag: ETag?.replaceAll('"', '') },
    },
  });
  expect(second?.s3.object.size).toBe(5);
  expect(second?.s3.object.sequencer).toHaveLength(first?.s3.object.sequencer.length ?? 0);
});

it('come for removals when asked for, not for creations then', async () => {
  const events = record({ events: ['s3:ObjectRemoved:*'] });
  await put('k');
  await harness.operator.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
  await harness.operator.send(new DeleteObjectCommand({ Bucket, Key: 'never was' }));
  await harness.events.idle();
  expect(events.map((event) => event.Records[0]?.eventName)).toEqual(['ObjectRemoved:Delete']);
});

it('do not come for a write that was refused', async () => {
  await put('k');
  const events = record({ events: ['s3:ObjectCreated:*'] });
  await refusal(put('k', 'x', { IfNoneMatch: '*' }));
  await harness.events.idle();
  expect(events).toEqual([]);
});
