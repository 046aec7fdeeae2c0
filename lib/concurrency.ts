import pLimit from 'p-limit';

/**
 * Runs `work` over all items, at most `width` at once; results in the order of the items. After a failure
 * nothing more is begun, and the first failure is thrown once everything that was begun is over, so that
 * nothing goes on behind the caller's back.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const limit = pLimit(width);
  const failures: unknown[] = [];
  const run = async (item: T): Promise<R | undefined> => {
    if (failures.length > 0) return undefined;
    try {
      return await work(item);
    } catch (error) {
      failures.push(error);
      return undefined;
    }
  };
  const results = await limit.map(items, run);
  if (failures.length > 0) throw failures[0];
  return results as R[];
}
