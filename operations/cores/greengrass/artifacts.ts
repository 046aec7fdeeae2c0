import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { keys } from '../../../protocol';
import type { PackageEntry } from '../../../protocol/functionPackage';
import type { OperatorAccess } from '../../groups/changeGroup';
import { statusOf } from '../../../lib/awsErrors';
import { zipEntries } from '../../packages/zipEntries';
import { ARCHITECTURES, readSdkFiles, type Architecture } from './sdkFiles';

export interface ArtifactSources {
  /** Folder with `greengrassV2/core.cjs`, `functionProcess.cjs` and `componentHost.cjs`. */
  bundles: string;
  /** Folder for which aws-iot-device-sdk-v2 is installed. */
  sdkFrom: string;
}

export interface Artifacts {
  /** Digests of the core's artifact, one per architecture. */
  core: Record<Architecture, string>;
  /** Digest of the artifact with the host of function components. */
  host: string;
}

/**
 * Puts what Greengrass needs of the core and of the hosts of function components into the functions
 * bucket, where it is not there yet. Throws NOT_FOUND (readSdkFiles) and what S3 throws.
 */
export async function uploadArtifacts(access: OperatorAccess, sources: ArtifactSources): Promise<Artifacts> {
  const { bundles } = sources;
  const sdk = await readSdkFiles(sources.sdkFrom);
  const own = [
    await bundleEntry(bundles, 'greengrassV2/core.cjs'),
    await bundleEntry(bundles, 'functionProcess.cjs'),
  ];
  const core: Partial<Artifacts['core']> = {};
  for (const architecture of ARCHITECTURES) {
    const entries = [...own, ...sdk.common, sdk.native[architecture]];
    core[architecture] = await upload(access, entries, keys.coreComponent);
  }
  const host = await upload(access, [await bundleEntry(bundles, 'componentHost.cjs')], keys.componentHost);
  return { core: core as Artifacts['core'], host };
}

async function bundleEntry(bundles: string, file: string): Promise<PackageEntry> {
  return {
    path: path.basename(file),
    content: await readFile(path.join(bundles, file)),
    executable: false,
  };
}

/** Named by content, not by its archive: another release of Node.js may compress otherwise. */
async function upload(
  { operator, outputs }: OperatorAccess,
  entries: readonly PackageEntry[],
  keyOf: (digest: string) => string,
): Promise<string> {
  const digest = digestOf(entries);
  try {
    await operator.clients.s3.send(
      new PutObjectCommand({
        Bucket: outputs.functionsBucket,
        Key: keyOf(digest),
        Body: await zipEntries(entries),
        ContentType: 'application/zip',
        IfNoneMatch: '*',
      }),
    );
  } catch (error) {
    if (statusOf(error) !== 412) throw error;
  }
  return digest;
}

function digestOf(entries: readonly PackageEntry[]): string {
  const hash = createHash('sha256');
  for (const { path: name, content } of [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${name}\n${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}
