import { S3Error } from './errors';

/**
 * `bytes=a-b`, `bytes=a-`, `bytes=-n` as first and last byte, inclusive; undefined for what is no such
 * range, which HTTP says to pass over. Throws InvalidRange when it lies outside.
 */
export function readRange(
  header: string | undefined,
  size: number,
): { first: number; last: number } | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined;
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined;
  const first = from === '' ? Math.max(size - Number(to), 0) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (first >= size || (from === '' && Number(to) === 0)) throw new S3Error('InvalidRange');
  return { first, last };
}
