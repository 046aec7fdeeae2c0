import type { Clock } from './ports';

/**
 * What `work` gives; when it takes longer than `ms`, what `late` gives or throws. It is not stopped, and
 * what becomes of it then is nobody's.
 */
export function withinTime<T, U>(
  clock: Pick<Clock, 'setTimeout'>,
  ms: number,
  work: Promise<T>,
  late: () => U,
): Promise<T | U> {
  return new Promise<T | U>((resolve, reject) => {
    const timer = clock.setTimeout(() => {
      try {
        resolve(late());
      } catch (error) {
        reject(error as Error);
      }
    }, ms);
    work.finally(() => timer.cancel()).then(resolve, reject);
  });
}
