import { permit } from '../operation';
import { S3Error } from '../errors';
import type { S3Operation } from '../operation';
import { parseXml, xmlResponse } from '../xml';

const REGION_WITHOUT_CONSTRAINT = 'us-east-1';

export const listBuckets: S3Operation = (environment, request) => {
  permit(environment, request, 's3:ListAllMyBuckets', {});
  const { account } = environment.context;
  return xmlResponse('ListAllMyBucketsResult', {
    Owner: { ID: account },
    Buckets: {
      Bucket: environment.store
        .buckets()
        .map(({ name, createdAt }) => ({ Name: name, CreationDate: new Date(createdAt).toISOString() })),
    },
  });
};

export const createBucket: S3Operation = (environment, request) => {
  const { store, context } = environment;
  const name = request.bucket;
  // Authorised by a name that need not exist yet.
  permit(environment, request, 's3:CreateBucket', {
    bucket: { name, createdAt: 0, objects: new Map(), older: new Map(), notifications: [] },
  });
  const region = locationOf(request.body);
  if (region !== context.region) throw new S3Error('IllegalLocationConstraintException');
  if (store.has(name)) throw new S3Error('BucketAlreadyOwnedByYou', undefined, { BucketName: name });
  store.createBucket(name);
  return { status: 200, headers: { location: `/${name}` } };
};

export const headBucket: S3Operation = (environment, request) => {
  const bucket = environment.store.bucket(request.bucket);
  permit(environment, request, 's3:ListBucket', { bucket });
  return { status: 200, headers: { 'x-amz-bucket-region': environment.context.region } };
};

export const deleteBucket: S3Operation = async (environment, request) => {
  const bucket = environment.store.bucket(request.bucket);
  permit(environment, request, 's3:DeleteBucket', { bucket });
  await environment.store.deleteBucket(bucket.name);
  return { status: 204 };
};

function locationOf(body: Buffer): string {
  if (body.length === 0) return REGION_WITHOUT_CONSTRAINT;
  const document = parseXml(body.toString('utf8'), 'CreateBucketConfiguration');
  if (document === undefined) throw new S3Error('MalformedXML');
  const constraint = document['LocationConstraint'];
  return typeof constraint === 'string' ? constraint : REGION_WITHOUT_CONSTRAINT;
}
