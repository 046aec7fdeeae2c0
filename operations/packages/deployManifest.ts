import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  digestSchema,
  EdgeError,
  functionNameSchema,
  groupNameSchema,
  locationSchema,
  parseJsonWith,
  versionSchema,
} from '../../protocol';
import { packageDigest } from '../../protocol/functionPackage';

/**
 * `<package dir>/edge/manifest.json`: everything that the step after `sls deploy` needs to know of what
 * was packaged, so that `sls deploy --package` works on another machine. Written by the plugin.
 */
export const deployManifestSchema = z.strictObject({
  format: z.literal(1),
  service: z.string(),
  stage: z.string(),
  engine: z.strictObject({ name: z.string(), options: z.record(z.string(), z.unknown()).default({}) }),
  /** Each in `<group>/group.json` beside the manifest. */
  groups: z.array(groupNameSchema),
  /** Each in the file that `packageFile` names, beside the manifest. */
  packages: z.array(
    z.strictObject({
      name: functionNameSchema,
      /** Absent: the registry gives the next patch number when the content changed. */
      version: versionSchema.optional(),
      locations: z.array(locationSchema),
      /** SHA-256 of the package in lower-case hex. */
      digest: digestSchema,
      /** Bytes. */
      size: z.int().positive(),
    }),
  ),
  /**
   * Logical ids of the functions of the template that edges use: the system functions, and those that
   * devices may use in the cloud. Beside them the plugin's resources are those whose ids begin with `Edge`.
   */
  cloudFunctions: z.array(z.string()).optional(),
});
export type DeployManifest = z.output<typeof deployManifestSchema>;
export type PackagedFunction = DeployManifest['packages'][number];

export const DEPLOY_MANIFEST_FILE = 'manifest.json';

/**
 * A function package is a zip, and is not called so: the framework takes every `*.zip` below its folder for an
 * artifact of its own, misses it in its bucket, and would deploy the stack each time although nothing changed.
 */
export function packageFile(functionName: string): string {
  return `${functionName}.package`;
}

/** Throws NOT_FOUND when nothing was packaged there, CONFIG_INVALID for a manifest of another form. */
export async function readDeployManifest(edgeDir: string): Promise<DeployManifest> {
  const file = join(edgeDir, DEPLOY_MANIFEST_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new EdgeError('NOT_FOUND', `${file}: not there; run "sls package" first`, { cause });
  }
  return parseJsonWith(deployManifestSchema, text, file, 'CONFIG_INVALID');
}

/** The bytes of a packaged function. Throws DIGEST_MISMATCH when they are not those that were packaged. */
export async function readPackagedFunction(
  edgeDir: string,
  { name, digest }: Pick<PackagedFunction, 'name' | 'digest'>,
): Promise<Buffer> {
  const bytes = await readFile(join(edgeDir, packageFile(name)));
  const actual = packageDigest(bytes);
  if (actual === digest) return bytes;
  throw new EdgeError(
    'DIGEST_MISMATCH',
    `${packageFile(name)} is not the package that ${DEPLOY_MANIFEST_FILE} names`,
    {
      expected: digest,
      details: { function: name, actual },
    },
  );
}
