import { z } from 'zod';
import { functionManifestSchema } from './manifest';
import { functionNameSchema, versionSchema } from './names';
import { errorBodySchema } from './messages';

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

/**
 * `registry/<function>/index.json`: one object per function answers every version question in one
 * read. Written with compare-and-swap. `latest` is what a device gets that names no version; it is
 * not always the highest number, because older content uploaded again becomes the latest again.
 */
export const functionIndexSchema = z.strictObject({
  format: z.literal(1),
  name: functionNameSchema,
  latest: versionSchema,
  /** When the upload of `latest` was put, ISO 8601 UTC: a late event of an older upload never undoes it. */
  latestUploadedAt: z.string().optional(),
  versions: z.record(
    versionSchema,
    z.strictObject({
      manifest: functionManifestSchema,
      /** ISO 8601. */
      registeredAt: z.string(),
    }),
  ),
});
export type FunctionIndex = z.infer<typeof functionIndexSchema>;

/** `results/<upload>.json`: what became of an upload, for the one who uploaded it. */
export const uploadResultSchema = z.discriminatedUnion('status', [
  z.strictObject({
    status: z.literal('registered'),
    upload: z.string(),
    etag: z.string(),
    at: z.string(),
    name: functionNameSchema,
    version: versionSchema,
    digest: z.string(),
    /** False when the content was the latest already. */
    changed: z.boolean(),
  }),
  z.strictObject({
    status: z.literal('refused'),
    upload: z.string(),
    etag: z.string(),
    at: z.string(),
    error: errorBodySchema,
  }),
]);
export type UploadResult = z.infer<typeof uploadResultSchema>;
