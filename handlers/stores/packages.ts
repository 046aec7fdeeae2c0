import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { keys, type FunctionManifest, type PackageLocation } from '../../protocol';
import type { WallClock, Packages } from '../ports';

/** Long enough for a slow edge to begin its download. */
const URL_SECONDS = 300;

/**
 * Presigned addresses of packages. The client must be made with `requestChecksumCalculation:
 * 'WHEN_REQUIRED'`, or the URL signs a checksum that no plain GET carries.
 */
export class S3Packages implements Packages {
  constructor(
    private readonly s3: S3Client,
    private readonly bucket: string,
    private readonly clock: WallClock,
  ) {}

  async locate({ digest, size }: Pick<FunctionManifest, 'digest' | 'size'>): Promise<PackageLocation> {
    const command = new GetObjectCommand({ Bucket: this.bucket, Key: keys.package(digest) });
    const expiresAt = new Date(this.clock.now() + URL_SECONDS * 1000).toISOString();
    const url = await getSignedUrl(this.s3, command, { expiresIn: URL_SECONDS });
    return { url, digest, size, expiresAt };
  }
}
