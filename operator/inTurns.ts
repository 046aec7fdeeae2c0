/** Calls at once. */
const WIDTH = 16;

/** The results of `work` in the order of `all`, some at a time. */
export async function inTurns<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < all.length; at += WIDTH) {
    results.push(...(await Promise.all(all.slice(at, at + WIDTH).map(work))));
  }
  return results;
}
