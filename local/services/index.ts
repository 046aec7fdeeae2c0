import { join } from 'node:path';
import { loadOrCreateAuthority } from '../../lib/x509/authority';
import { RolePolicies } from './iam/rolePolicies';

import type { CloudOptions } from '../cloudOptions';
import type { CloudContext, Service } from '../base/context';
import { createEventBridge, type EventBridge, type ServiceEvent } from './eventBridge';
import { createGreengrass } from './greengrass';
import { groupServiceRoutes } from './greengrassV1';
import { HttpApi } from './httpApi';
import { createIotCore, type IotCore } from './iotCore';
import { createLambda, type Lambda } from './lambda';
import { createS3, type S3 } from './s3';
import { createScheduler } from './scheduler';
import { createNotSimulated } from './notSimulated';
import { createQueues, type Queues } from './sqs';

/** Every service, in process. */
export type CloudServices = Awaited<ReturnType<typeof startServices>>;

/** Notes how a service is closed, the last one first. */
export type Started = <T extends { close(): Promise<void> | void }>(service: T) => T;

/** Functions run on the Node of this machine; that it is older than Lambda's is no news in their logs. */
const QUIET = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };

/** Starts every service and tells those that use each other. `endpointVariables` is read at each cold start. */
export async function startServices(
  context: CloudContext,
  options: CloudOptions,
  endpointVariables: () => Record<string, string>,
  started: Started,
) {
  const authority = await loadOrCreateAuthority(join(context.stateDir, 'certificates'));
  const s3 = started(await createS3(context));
  const queues = createQueues(context);
  const notSimulated = started(await createNotSimulated(context));
  const environment = () => ({
    AWS_ENDPOINT_URL: notSimulated.url,
    ...options.endpoints,
    ...endpointVariables(),
    ...QUIET,
  });
  const lambda = await startLambda(context, options, { s3, queues, environment, started });
  const httpApi = started(new HttpApi(context, lambda));
  const iotCore = started(
    await createIotCore(context, { authority, devicesPort: options.discoveryPort ?? 0 }),
  );
  connectRules(iotCore, lambda, s3);
  const eventBridge = createEventBridge(context, lambda);
  const greengrass = await startGreengrass(context, options, { s3, iotCore, eventBridge });
  started(greengrass);
  const scheduler = started(createScheduler(context.log, options.scheduleTimers));
  const roles = new RolePolicies(context.iam);
  return { authority, roles, s3, lambda, httpApi, iotCore, greengrass, queues, scheduler, eventBridge };
}

interface LambdaNeeds {
  s3: S3;
  queues: Queues;
  environment: () => Record<string, string>;
  started: Started;
}

async function startLambda(
  context: CloudContext,
  options: CloudOptions,
  { s3, queues, environment, started }: LambdaNeeds,
): Promise<Lambda> {
  const lambda = await createLambda(context, {
    functionHost: options.functionHost ?? {},
    environment,
    ...(options.codeDir !== undefined && { codeDir: options.codeDir }),
    readObject: (bucket, key) => s3.getObject(bucket, key),
    destinations: {
      putObject: async (bucket, key, body) => {
        await s3.putObject(bucket, key, body);
      },
      sendMessage: (queue, body) => queues.sendMessage(queue, body),
    },
    ...(options.retryDelaysMs && { retryDelaysMs: options.retryDelaysMs }),
    ...(options.onInvocation && { onInvocation: options.onInvocation }),
  });
  return started(lambda);
}

function startGreengrass(
  context: CloudContext,
  { greengrass = {} }: CloudOptions,
  { s3, iotCore, eventBridge }: { s3: S3; iotCore: IotCore; eventBridge: EventBridge },
): Promise<Service> {
  const { v1: groups = {}, ...options } = greengrass;
  const { throttle } = options;
  const putEvent = (event: ServiceEvent): void => {
    eventBridge.putEvent(event);
  };
  return createGreengrass(
    context,
    iotCore,
    { readObject: (bucket, key) => s3.getObject(bucket, key), putEvent, ...options },
    groupServiceRoutes(context, iotCore.caPem, putEvent, { ...(throttle && { throttle }), ...groups }),
  );
}

function connectRules(iotCore: IotCore, lambda: Lambda, s3: S3): void {
  iotCore.connect({
    invokeLambda: (arn, caller, payload, mode) =>
      lambda.invokeAsService(arn, caller, JSON.parse(payload.toString('utf8')), mode),
    putObject: (bucket, key, body) => s3.putObject(bucket, key, body),
  });
}
