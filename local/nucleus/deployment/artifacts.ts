import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { statusOf } from '../../../lib/awsErrors';
import { readPackage } from '../../../protocol/functionPackage';
import type { Recipe, RecipeArtifact } from '../../../protocol/greengrass/recipe';
import type { RoleCredentials } from '../cloud/tokenExchange';
import type { NucleusPaths } from '../files';
import { DeploymentError } from './errors';

/** Quota: artifacts of a component, in bytes. */
const MAX_BYTES = 2 * 1024 ** 3;
const LIMITS = { packageBytes: MAX_BYTES, unpackedBytes: MAX_BYTES, entries: 100_000 };

/** Downloads artifacts from S3 with the credentials of the token exchange role. */
export class ArtifactStore {
  readonly #s3: S3Client;

  constructor(
    private readonly paths: NucleusPaths,
    options: { region: string; s3Url: string; credentials: () => Promise<RoleCredentials> },
  ) {
    const { region, s3Url: endpoint, credentials } = options;
    this.#s3 = new S3Client({ region, endpoint, credentials });
  }

  /** Afterwards every artifact is there, has its digest and is unzipped. Throws DeploymentError. */
  async prepare(
    { ComponentName: name, ComponentVersion: version }: Recipe,
    artifacts: readonly RecipeArtifact[],
  ): Promise<void> {
    for (const artifact of artifacts) {
      const file = join(this.paths.artifacts(name, version), basename(artifact.Uri));
      const folder = join(this.paths.unarchived(name, version), basename(file, '.zip'));
      // Processes that run may have it open: what is there stays as it is.
      if ((await readFile(markOf(file), 'utf8').catch(() => '')) === artifact.Digest) continue;
      const bytes = await this.#download(file, artifact, `${name}:${version}`);
      if (artifact.Unarchive === 'ZIP') await unzip(bytes, folder, artifact);
      await writeFile(markOf(file), artifact.Digest ?? '');
    }
  }

  async remove(name: string, version: string): Promise<void> {
    const folders = [this.paths.artifacts(name, version), this.paths.unarchived(name, version)];
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }

  close(): void {
    this.#s3.destroy();
  }

  async #download(file: string, artifact: RecipeArtifact, component: string): Promise<Buffer> {
    const bytes = await this.#fetch(artifact.Uri, component);
    if (digestOf(bytes) !== artifact.Digest) {
      throw new DeploymentError(
        ['ARTIFACT_DOWNLOAD_ERROR', 'ARTIFACT_CHECKSUM_MISMATCH'],
        ['COMPONENT_RECIPE_ERROR'],
        `Integrity check for downloaded artifact ${artifact.Uri} of component ${component} failed: its digest is not that of the recipe`,
      );
    }
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.part`, bytes);
    await chmod(`${file}.part`, modeOf(artifact));
    await rename(`${file}.part`, file);
    return bytes;
  }

  async #fetch(uri: string, component: string): Promise<Buffer> {
    const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/i.exec(uri) ?? [];
    if (Bucket === undefined || Key === undefined) {
      const codes = ['ARTIFACT_DOWNLOAD_ERROR', 'UNSUPPORTED_ARTIFACT_SCHEME'];
      throw new DeploymentError(
        codes,
        ['COMPONENT_RECIPE_ERROR'],
        `${uri}: only artifacts in S3 are supported`,
      );
    }
    try {
      const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket, Key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    } catch (error) {
      const denied = statusOf(error) === 403;
      const codes = [
        'ARTIFACT_DOWNLOAD_ERROR',
        'S3_ERROR',
        denied ? 'S3_GET_OBJECT_ACCESS_DENIED' : 'S3_GET_OBJECT_RESOURCE_NOT_FOUND',
      ];
      const types = ['DEPENDENCY_ERROR', denied ? 'PERMISSION_ERROR' : 'REQUEST_ERROR'];
      const reason = error instanceof Error ? error.message : String(error);
      throw new DeploymentError(
        codes,
        types,
        `Failed to download artifact ${uri} for component ${component}: ${reason}`,
      );
    }
  }
}

/** Says of which digest the file and its unzipped content are; written when both are whole. */
function markOf(file: string): string {
  return `${file}.digest`;
}

async function unzip(bytes: Buffer, folder: string, artifact: RecipeArtifact): Promise<void> {
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  try {
    for (const { path, content, executable } of await readPackage(bytes, LIMITS)) {
      const file = join(part, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content, { mode: executable ? 0o755 : modeOf(artifact) });
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DeploymentError(['IO_ERROR', 'IO_UNZIP_ERROR'], ['DEVICE_ERROR'], `${artifact.Uri}: ${reason}`);
  }
  await rm(folder, { recursive: true, force: true });
  await rename(part, folder);
}

/** Of the owner alone unless the recipe gives more; the simulated nucleus runs all under one user. */
function modeOf({ Permission: { Read, Execute } = {} }: RecipeArtifact): number {
  const read = Read === 'ALL' ? 0o644 : 0o600;
  return read | (Execute === 'ALL' ? 0o111 : Execute === 'OWNER' ? 0o100 : 0);
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}
