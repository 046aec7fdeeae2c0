import { S3Client } from '@aws-sdk/client-s3';

export const s3 = new S3Client({});

export function readingsObject(store: string | undefined) {
  return { Bucket: process.env['READINGS_BUCKET'] ?? '', Key: `stores/${store ?? 'unknown'}.json` };
}
