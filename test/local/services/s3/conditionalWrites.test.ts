import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { refusal, startS3, type Harness } from './harness';

const Bucket = 'conditional';
const WRITERS = 50;
let harness: Harness;

beforeAll(async () => {
  harness = await startS3();
  await harness.s3.createBucket(Bucket);
});
afterAll(() => harness.close());

const put = (Key: string, Body: string, condition: { IfMatch?: string; IfNoneMatch?: string } = {}) =>
  harness.operator.send(new PutObjectCommand({ Bucket, Key, Body, ...condition }));

async function race(key: string, condition: { IfMatch?: string; IfNoneMatch?: string }) {
  const outcomes = await Promise.allSettled(
    Array.from({ length: WRITERS }, (_, writer) => put(key, `writer ${writer}`, condition)),
  );
  const winners = outcomes.flatMap(({ status }, writer) =>
    status === 'fulfilled' ? [`writer ${writer}`] : [],
  );
  const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).name] : []));
  return { winners, refused };
}

it('lets exactly one of 50 writers create a key', async () => {
  const { winners, refused } = await race('created', { IfNoneMatch: '*' });
  expect(winners).toHaveLength(1);
  expect(refused).toEqual(Array.from({ length: WRITERS - 1 }, () => 'PreconditionFailed'));
  expect((await harness.s3.getObject(Bucket, 'created')).toString()).toBe(winners[0]);
});

it('lets exactly one of 50 writers replace what all have read', async () => {
  const { ETag = '' } = await put('replaced', 'first');
  const { winners, refused } = await race('replaced', { IfMatch: ETag });
  expect(winners).toHaveLength(1);
  expect(new Set(refused)).toEqual(new Set(['PreconditionFailed']));
  expect((await harness.s3.getObject(Bucket, 'replaced')).toString()).toBe(winners[0]);
});

it('loses no increment of 8 writers that compare and swap', async () => {
  await put('counter', '0');
  const increment = async (): Promise<void> => {
    for (;;) {
      const { Body, ETag = '' } = await harness.operator.send(
        new GetObjectCommand({ Bucket, Key: 'counter' }),
      );
      const next = String(Number(await Body?.transformToString()) + 1);
      try {
        await put('counter', next, { IfMatch: ETag });
        return;
      } catch (error) {
        if ((error as Error).name !== 'PreconditionFailed') throw error;
      }
    }
  };
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let round = 0; round < 5; round += 1) await increment();
    }),
  );
  expect((await harness.s3.getObject(Bucket, 'counter')).toString()).toBe('40');
});

it('answers 412 and 404 as S3 does', async () => {
  await put('there', 'one');
  expect(await refusal(put('there', 'two', { IfNoneMatch: '*' }))).toEqual({
    name: 'PreconditionFailed',
    status: 412,
  });
  expect(await refusal(put('there', 'two', { IfMatch: '"other"' }))).toEqual({
    name: 'PreconditionFailed',
    status: 412,
  });
  expect(await refusal(put('missing', 'two', { IfMatch: '"other"' }))).toEqual({
    name: 'NoSuchKey',
    status: 404,
  });
  expect((await harness.s3.getObject(Bucket, 'there')).toString()).toBe('one');
});

it.each([10, 200_000])(
  'keeps the last of many overwrites of up to %p bytes over a restart',
  async (bytes) => {
    // Small and large ones are written in different ways; they must not overtake each other.
    const bodyOf = (index: number) => `${index} ${'x'.repeat(index % 2 === 0 ? bytes : 10)}`;
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => harness.s3.putObject(Bucket, 'hot', bodyOf(index))),
    );
    await harness.restart();
    expect((await harness.s3.getObject(Bucket, 'hot')).toString()).toBe(bodyOf(19));
  },
);
