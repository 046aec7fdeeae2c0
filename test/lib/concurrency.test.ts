import { inParallel } from '../../lib/concurrency';

test('results come in the order of the items, and no more run at once than told', async () => {
  let running = 0;
  let most = 0;
  const results = await inParallel([5, 1, 4, 2, 3], 2, async (item) => {
    running += 1;
    most = Math.max(most, running);
    for (let turn = 0; turn < item; turn++) await Promise.resolve();
    running -= 1;
    return item * 10;
  });
  expect(results).toEqual([50, 10, 40, 20, 30]);
  expect(most).toBe(2);
});

test('after a failure nothing more is begun, and what was begun is over before it is thrown', async () => {
  const begun: number[] = [];
  const over: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    if (item === 1) throw new RangeError('one');
    await new Promise((resolve) => setImmediate(resolve));
    over.push(item);
  };
  await expect(inParallel([0, 1, 2, 3], 2, work)).rejects.toThrow('one');
  expect(begun).toEqual([0, 1]);
  expect(over).toEqual([0]);
});
