/**
 * Object keys in the two buckets.
 *
 * Functions bucket: `uploads/` (put a package here), `packages/` (by digest), `results/` (what became
 * of each upload), `host/` and `core/` (artifacts of Greengrass components), `logs/` (of edges). State bucket: `registry/`, `groups/`, `revisions/`, `requests/`, `deployments/`, `status/`, `failures/`.
 */
export const UPLOAD_PREFIX = 'uploads/';
export const UPLOAD_SUFFIX = '.zip';
export const REQUEST_PREFIX = 'requests/';
export const GROUP_PREFIX = 'groups/';

export const keys = {
  package: (digest: string) => `packages/${digest}.zip`,
  /** The host bundle for functions that are Greengrass components: `componentHost.cjs` in a zip. */
  componentHost: (digest: string) => `host/${digest}.zip`,
  /** The edge core as a Greengrass component: `core.cjs` and what it needs, in a zip. */
  coreComponent: (digest: string) => `core/${digest}.zip`,
  /** `uploads/a.zip` → `results/a.zip.json` */
  uploadResult: (uploadKey: string) => `results/${uploadKey.slice(UPLOAD_PREFIX.length)}.json`,
  functionIndex: (name: string) => `registry/${name}/index.json`,
  functionVersion: (name: string, version: string) => `registry/${name}/versions/${version}.json`,
  definition: (group: string) => `groups/${group}/definition.json`,
  revision: (group: string, revision: number) =>
    `revisions/${group}/${String(revision).padStart(10, '0')}.json`,
  requests: (group: string) => `${REQUEST_PREFIX}${group}/`,
  request: (group: string, requestId: string) => `${REQUEST_PREFIX}${group}/${requestId}.json`,
  /** Where a stored update goes that cannot be read, so that it blocks no other. */
  unreadableRequest: (requestKey: string) => `failures/${requestKey}`,
  deployment: (group: string, revision: number) =>
    `deployments/${group}/${String(revision).padStart(10, '0')}.json`,
  coreLogs: (core: string) => `logs/${core}/`,
  coreStatuses: (core: string) => `status/${core}/`,
  coreHeartbeat: (core: string) => `status/${core}/heartbeat.json`,
} as const;

/** The group of a request key, or undefined if it is none. */
export function groupOfRequestKey(key: string): string | undefined {
  return /^requests\/([^/]+)\/[^/]+\.json$/.exec(key)?.[1];
}
