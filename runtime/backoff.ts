import { backoffMs } from '../lib/backoff';

const PAUSES = { first: 100, most: 30_000 };

/** Milliseconds to wait after so many failures in a row: none after the first, then 100 ms, doubling to 30 s. */
export function pauseAfter(failures: number): number {
  return failures <= 1 ? 0 : backoffMs(failures - 2, PAUSES);
}
