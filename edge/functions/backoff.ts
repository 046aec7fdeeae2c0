const FIRST_MS = 100;
const LONGEST_MS = 30_000;

/** Milliseconds to wait after so many failures in a row: none after the first, then 100 ms, doubling to 30 s. */
export function backoffMs(failures: number): number {
  if (failures <= 1) return 0;
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 2));
}
