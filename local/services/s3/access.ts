import { AwsError } from '../../base/context';
import { S3Error } from './errors';
import type { Bucket, S3Environment, S3Request, StoredObject } from './types';

export function bucketArn(bucket: string): string {
  return `arn:aws:s3:::${bucket}`;
}

/** Throws AccessDenied unless identity and bucket policy allow the action on the bucket or the key in it. */
export function permit(
  { context }: S3Environment,
  { principal }: S3Request,
  action: string,
  target: { bucket?: Bucket; key?: string },
  conditions?: Record<string, string | undefined>,
): void {
  const arn = target.bucket === undefined ? '*' : bucketArn(target.bucket.name);
  const resource = target.key === undefined ? arn : `${arn}/${target.key}`;
  try {
    context.iam.authorize(principal, action, resource, target.bucket?.policy, conditions);
  } catch (error) {
    if (!(error instanceof AwsError) || error.code !== 'AccessDeniedException') throw error;
    throw new AwsError('AccessDenied', error.message, 403);
  }
}

/**
 * The object of the request. Who may not list the bucket does not learn that a key is missing: S3
 * answers 403 then, and 404 to the others. Throws NoSuchKey, AccessDenied.
 */
export function requireObject(
  environment: S3Environment,
  request: S3Request,
  bucket: Bucket,
  key = request.key,
): StoredObject {
  const object = bucket.objects.get(key);
  if (object !== undefined) return object;
  try {
    permit(environment, request, 's3:ListBucket', { bucket });
  } catch (error) {
    environment.log.info({ bucket: bucket.name, key }, 'no such key; answered 403 for want of s3:ListBucket');
    throw error;
  }
  throw new S3Error('NoSuchKey', undefined, { Key: key });
}
