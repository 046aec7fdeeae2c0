/** A package on this machine. */
export interface StoredPackage {
  digest: string;
  /** Of its content, unpacked. */
  bytes: number;
  /** Milliseconds since the epoch. */
  lastUsed: number;
}

/** Where the packages of functions lie on this machine, whoever brings them here. By digest. */
export interface FunctionPackages {
  /** Bytes that they may take. */
  limitBytes: number;
  /** Digests that must not be given up to make room. */
  needed: () => ReadonlySet<string>;
  /** Set where somebody else brings the packages: they are waited for, not fetched. */
  readonly delivery?: PackageDelivery;
  has(digest: string): boolean;
  /** The folder of a package that is here. */
  directory(digest: string): string;
  packages(): StoredPackage[];
  touch(digest: string): void;
  /** The fetch of this digest that is under way. */
  fetching(digest: string): Promise<string> | undefined;
  /** Brings a package here; resolves with its folder. */
  fetch(digest: string, download: () => Promise<Buffer>): Promise<string>;
  /** The same ahead of any need, where that is possible. */
  prefetch(digest: string, download: () => Promise<Buffer>): Promise<unknown>;
  evict(digest: string): Promise<void>;
  /** Whether the files of a package are what was brought. */
  isIntact(digest: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface PackageDelivery {
  /** Milliseconds after which a reconcile no longer waits for what has not come. */
  readonly patienceMs: number;
  onArrived: (listener: (digest: string) => void) => void;
  /**
   * Asked when a package is about to be taken away: whether what it runs serves on, for the few seconds
   * that are left, until `release`.
   */
  isStillNeeded: (digest: string) => boolean;
  /** It serves no longer. */
  release: (digest: string) => void;
  /** It was here, and nothing of it can be run any more. */
  onLost: (listener: (digest: string) => void) => void;
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
