import type { StoredPackage } from './evictions';

/** Where the packages of functions lie on this edge, whoever brings them here. By digest. */
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
  close(): Promise<void>;
}

export interface PackageDelivery {
  /** Milliseconds after which a reconcile no longer waits for what has not come. */
  readonly patienceMs: number;
  onArrived(listener: (digest: string) => void): void;
  /**
   * Asked when a package is about to be taken away: whether what it runs serves on, for the few seconds
   * that are left, until `release`.
   */
  isStillNeeded: (digest: string) => boolean;
  /** It serves no longer. */
  release(digest: string): void;
  /** It was here, and nothing of it can be run any more. */
  onLost(listener: (digest: string) => void): void;
}
