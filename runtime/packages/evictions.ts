/** A package on this edge. */
export interface StoredPackage {
  digest: string;
  /** Of its content, unpacked. */
  bytes: number;
  /** Milliseconds since the epoch. */
  lastUsed: number;
}

/**
 * The packages to give up so that `excessBytes` become free: those that nobody needs, the least
 * recently used first, and no more than necessary. `enough` is false when all of them are too few.
 */
export function chooseEvictions(
  packages: readonly StoredPackage[],
  needed: ReadonlySet<string>,
  excessBytes: number,
): { digests: string[]; enough: boolean } {
  const candidates = packages
    .filter(({ digest }) => !needed.has(digest))
    .sort((a, b) => a.lastUsed - b.lastUsed || (a.digest < b.digest ? -1 : 1));
  const digests: string[] = [];
  let excess = excessBytes;
  for (const { digest, bytes } of candidates) {
    if (excess <= 0) break;
    digests.push(digest);
    excess -= bytes;
  }
  return { digests, enough: excess <= 0 };
}
