import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { CloudContext } from '../../base/context';
import { listen, type HttpRequest, type HttpResponse } from '../../base/http';
import { bucketArn } from './access';
import { errorResponse, responseHeaders, S3Error } from './errors';
import { notifyTargets } from './notifications';
import { commit, newObject } from './operations/writeObject';
import { readRequest } from './request';
import { route } from './router';
import { ObjectStore } from './store';
import type { S3, S3Environment } from './types';

export type { NotificationRule, S3, S3Event, S3EventRecord } from './types';

/** Starts S3 with the buckets and objects that an earlier run left in `<stateDir>/s3`. */
export async function createS3(context: CloudContext): Promise<S3> {
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
    const operation = route(request);
    const response = await operation.run(environment, request);
    log.debug({ operation: operation.name, resource, status: response.status }, 's3 request');
    return { ...response, headers: { ...responseHeaders(requestId), ...response.headers } };
  } catch (error) {
    const response = errorResponse(error, { method: received.method, resource, requestId }, log);
    const refused = { method: received.method, resource, status: response.status, reason: reasonOf(error) };
    if (response.status === 501) log.warn(refused, 'not supported by the local S3');
    else log.debug(refused, 's3 request refused');
    return response;
  }
}

/** What CloudFormation and other services use: no signature, no policies. */
function inProcess(environment: S3Environment): Omit<S3, 'url' | 'close'> {
  const { store, context } = environment;
  return {
    bucketArn,
    async createBucket(name) {
      store.createBucket(name);
    },
    deleteBucket: (name) => store.deleteBucket(name),
    setVersioning(bucket, enabled) {
      store.bucket(bucket).versioned = enabled;
    },
    setNotifications(name, rules, owner = '') {
      const bucket = store.bucket(name);
      const others = bucket.notifications.filter((rule) => rule.owner !== owner);
      bucket.notifications = [...others, ...rules.map((rule) => ({ ...rule, owner }))];
    },
    setBucketPolicy(bucket, policy) {
      const found = store.bucket(bucket);
      if (policy === undefined) delete found.policy;
      else found.policy = policy;
    },
    async putObject(bucket, key, body, { contentType } = {}) {
      const object = newObject(key, Buffer.from(body), contentType);
      const by = { principalId: `AWS:${context.account}`, requestId: 'LOCAL' };
      await commit(environment, store.bucket(bucket), object, 'ObjectCreated:Put', by);
      return { etag: object.etag };
    },
    async getObject(bucket, key) {
      const object = store.bucket(bucket).objects.get(key);
      if (object === undefined) throw new S3Error('NoSuchKey', undefined, { Key: key });
      return object.body;
    },
    async emptyBucket(name) {
      await store.clear(store.bucket(name));
    },
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
