/**
 * Object keys in the two buckets.
 *
 * Functions bucket: `uploads/` (put a package here), `packages/` (by digest), `results/` (what became
 * of each upload). State bucket: `registry/`, `groups/`, `requests/`, `deployments/`, `status/`, `failures/`.
 */
export const UPLOAD_PREFIX = 'uploads/';
export const UPLOAD_SUFFIX = '.zip';
export const REQUEST_PREFIX = 'requests/';

export const keys = {
  package: (digest: string) => `packages/${digest}.zip`,
  /** `uploads/a.zip` → `results/a.zip.json` */
  uploadResult: (uploadKey: string) => `results/${uploadKey.slice(UPLOAD_PREFIX.length)}.json`,
  functionIndex: (name: string) => `registry/${name}/index.json`,
  functionVersion: (name: string, version: string) => `registry/${name}/versions/${version}.json`,
  definition: (group: string) => `groups/${group}/definition.json`,
  revision: (group: string, revision: number) =>
    `groups/${group}/revisions/${String(revision).padStart(10, '0')}.json`,
  requests: (group: string) => `${REQUEST_PREFIX}${group}/`,
  request: (group: string, requestId: string) => `${REQUEST_PREFIX}${group}/${requestId}.json`,
  /** Where a stored update goes that cannot be read, so that it blocks no other. */
  unreadableRequest: (requestKey: string) => `failures/${requestKey}`,
  deployment: (group: string, revision: number) =>
    `deployments/${group}/${String(revision).padStart(10, '0')}.json`,
  coreStatuses: (core: string) => `status/${core}/`,
} as const;

/** The group of a request key, or undefined if it is none. */
export function groupOfRequestKey(key: string): string | undefined {
  return /^requests\/([^/]+)\/[^/]+\.json$/.exec(key)?.[1];
}
