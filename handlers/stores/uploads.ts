import {
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  type GetObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { EdgeError, keys, MAX_PACKAGE_BYTES, type UploadResult } from '../../protocol';
import type { Upload, Uploads } from '../ports';

/** Uploaded packages, their results, and packages by digest, in the functions bucket. */
export class S3Uploads implements Uploads {
  constructor(
    private readonly s3: S3Client,
    private readonly bucket: string,
  ) {}

  async readUpload(key: string): Promise<Upload | undefined> {
    const object = await this.open(key);
    if (object === undefined) return undefined;
    const size = object.ContentLength ?? 0;
    if (size > MAX_PACKAGE_BYTES) {
      discard(object);
      throw new EdgeError('PACKAGE_TOO_LARGE', `package: over the limit of ${MAX_PACKAGE_BYTES}`, {
        field: 'package',
        expected: `at most ${MAX_PACKAGE_BYTES}`,
        details: { size },
      });
    }
    const bytes = Buffer.from((await object.Body?.transformToByteArray()) ?? []);
    return { bytes, etag: object.ETag ?? '', uploadedAt: (object.LastModified ?? new Date(0)).toISOString() };
  }

  async putResult(result: UploadResult): Promise<void> {
    await this.put(keys.uploadResult(result.upload), JSON.stringify(result), 'application/json');
  }

  async store(digest: string, bytes: Buffer): Promise<void> {
    await this.put(keys.package(digest), bytes, 'application/zip');
  }

  private async open(key: string): Promise<GetObjectCommandOutput | undefined> {
    try {
      return await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  private async put(key: string, body: string | Buffer, contentType: string): Promise<void> {
    await this.s3.send(
      new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body, ContentType: contentType }),
    );
  }
}

/** Ends the transfer of a body that nobody reads; otherwise its connection stays taken. */
function discard(object: GetObjectCommandOutput): void {
  (object.Body as { destroy?: () => void } | undefined)?.destroy?.();
}
