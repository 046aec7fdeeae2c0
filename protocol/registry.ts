import { z } from 'zod';
import { functionManifestSchema } from './manifest';
import { functionNameSchema, versionSchema } from './names';
import { errorBodySchema } from './messages';

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
