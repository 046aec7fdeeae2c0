import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { CloudContext, PolicyDocument } from '../../base/context';
import { listen, type HttpRequest, type HttpResponse } from '../../base/http';
import { s3ErrorResponse, responseHeaders, S3Error } from './errors';
import { arnOfBucket, type NotificationRule } from './model';
import { notifyTargets } from './notifications';
import { readRequest, type S3Environment } from './operation';
import { commit, newObject } from './operations/writeObject';
import { operationOf } from './router';
import { ObjectStore } from './store';

export type { S3Event } from './model';

/** S3 on one machine: the wire protocol at `url`, and what CloudFormation and other services use in-process. */
export type S3 = Awaited<ReturnType<typeof createS3>>;

/** Starts S3 with the buckets and objects that an earlier run left in `<stateDir>/s3`. */
export async function createS3(context: CloudContext) {
  const log = context.log.child({ service: 's3' });
  const store = await ObjectStore.open(join(context.stateDir, 's3'), log);
  const environment: S3Environment = {
    context,
    store,
    log,
    notify: (bucket, change) => notifyTargets(context, bucket, change),
  };
  const server = await listen({ host: context.host, log, handle: (request) => answer(environment, request) });
  return {
    url: server.url,
    ...inProcess(environment),
    async close() {
      await server.close();
      await store.settled();
    },
  };
}

async function answer(environment: S3Environment, received: HttpRequest): Promise<HttpResponse> {
  const { context, log } = environment;
  const requestId = randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase();
  const resource = received.url.split('?', 1)[0] ?? '/';
  try {
    const principal = await context.iam.authenticate(received, 's3');
    const request = readRequest(received, principal, requestId);
    const operation = operationOf(request);
    const response = await operation.run(environment, request);
    log.debug({ operation: operation.name, resource, status: response.status }, 's3 request');
    return { ...response, headers: { ...responseHeaders(requestId), ...response.headers } };
  } catch (error) {
    const response = s3ErrorResponse(error, { method: received.method, resource, requestId }, log);
    const refused = { method: received.method, resource, status: response.status, reason: reasonOf(error) };
    if (response.status === 501) log.warn(refused, 'not supported by the local S3');
    else log.debug(refused, 's3 request refused');
    return response;
  }
}

/** What CloudFormation and other services use: no signature, no policies. */
function inProcess(environment: S3Environment) {
  const { store, context } = environment;
  return {
    bucketArn: arnOfBucket,
    /** A bucket that exists already is no error: it is this account's. Throws AwsError InvalidBucketName. */
    createBucket: async (name: string): Promise<void> => store.createBucket(name),
    /** Throws AwsError NoSuchBucket, BucketNotEmpty. */
    deleteBucket: (name: string): Promise<void> => store.deleteBucket(name),
    /** What is written over or deleted from now on is kept as an older version, or no longer. */
    setVersioning: (bucket: string, enabled: boolean): void => {
      store.bucket(bucket).versioned = enabled;
    },
    /**
     * Replaces those of the bucket's notifications that this owner has set before. Not kept over a restart:
     * targets are functions.
     */
    setNotifications: (name: string, rules: readonly NotificationRule[], owner = ''): void => {
      const bucket = store.bucket(name);
      const others = bucket.notifications.filter((rule) => rule.owner !== owner);
      bucket.notifications = [...others, ...rules.map((rule) => ({ ...rule, owner }))];
    },
    /** Not kept over a restart: the template says it again. */
    setBucketPolicy: (bucket: string, policy: PolicyDocument | undefined): void => {
      const found = store.bucket(bucket);
      if (policy === undefined) delete found.policy;
      else found.policy = policy;
    },
    /** Notifies as a PutObject over the wire does. */
    putObject: async (
      bucket: string,
      key: string,
      content: Buffer | string,
      { contentType }: { contentType?: string } = {},
    ): Promise<{ etag: string }> => {
      const body = Buffer.from(content);
      const object = newObject(key, body, createHash('md5').update(body).digest());
      if (contentType !== undefined) object.headers['content-type'] = contentType;
      const by = { principalId: `AWS:${context.account}`, requestId: 'LOCAL' };
      await commit(environment, store.bucket(bucket), object, 'ObjectCreated:Put', by);
      return { etag: object.etag };
    },
    /** Throws AwsError NoSuchBucket, NoSuchKey. */
    getObject: async (bucket: string, key: string): Promise<Buffer> => {
      const object = store.bucket(bucket).objects.get(key);
      if (object === undefined) throw new S3Error('NoSuchKey', undefined, { Key: key });
      return object.body;
    },
    /** Removes every object, without notifications. */
    emptyBucket: (name: string): Promise<void> => store.clear(store.bucket(name)),
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
