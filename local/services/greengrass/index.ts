import { join } from 'node:path';
import type { Logger } from 'pino';
import type { CloudContext, Service } from '../../base/context';
import type { ServiceEvent } from '../eventBridge';
import { listen } from '../../base/http';
import type { IotCore } from '../iotCore';
import { createRestService, type RestRoute } from '../../base/rest/service';
import { greengrassArns } from './arns';
import { clientDeviceRoutes } from './clientDevices';
import { prepareComponent } from './components/artifacts';
import { componentRoutes } from './components/routes';
import { openComponentStore } from './components/store';
import { connectivityRoutes } from './connectivity';
import type { GreengrassContext } from './context';
import { coreDeviceRoutes } from './coreDevices/routes';
import { openCoreDevices } from './coreDevices/store';
import { deploymentRoutes } from './deployments/routes';
import { openDeploymentStore } from './deployments/store';
import { discoveryOf } from './discovery';
import { throttled } from './errors';
import { nucleusChannel } from './nucleusChannel';
import { openRequestTokens } from './requestTokens';
import { openGreengrassState } from './state';
import { tagRoutes } from './tags';
import { createGreengrassV1, type GreengrassV1, type V1Options } from '../greengrassV1';

export interface GreengrassOptions {
  /** Reads artifacts. Throws AwsError NoSuchBucket, NoSuchKey. */
  readObject(bucket: string, key: string): Promise<Buffer>;
  /** The default event bus. */
  putEvent(event: ServiceEvent): void;
  /** Whether this request gets a ThrottlingException: a test throttles with it. */
  throttle?(operation: string): boolean;
  /** Milliseconds since the epoch. */
  now?(): number;
  /** The control plane of V1; without a core of its own, its deployments stay in progress. */
  v1?: V1Options;
}

export interface Greengrass extends Service {
  readonly v1: GreengrassV1;
}

/**
 * AWS IoT Greengrass, both versions at one address (`AWS_ENDPOINT_URL_GREENGRASS` for V1). V2: components, deployments, core devices, connectivity and client devices at `url`
 * (`AWS_ENDPOINT_URL_GREENGRASSV2`), discovery and the channel of the nucleus on IoT Core's endpoint for
 * devices. State is kept in `<stateDir>/greengrass`.
 */
export async function createGreengrass(
  cloud: CloudContext,
  iotCore: IotCore,
  options: GreengrassOptions,
): Promise<Greengrass> {
  const log = cloud.log.child({ service: 'greengrass' });
  const context = openContext(cloud, iotCore, options, log);
  const v1 = openV1(cloud, iotCore, options, log);
  const v2Routes = [
    ...connectivityRoutes(context),
    ...clientDeviceRoutes(context),
    ...componentRoutes(context),
    ...deploymentRoutes(context),
    ...coreDeviceRoutes(context),
    ...tagRoutes(context),
  ].map((route) => throttledRoute(route, options));
  const routes = [...v2Routes, ...v1.routes];
  iotCore.serveDiscovery(discoveryOf(context));
  iotCore.serveDevices(nucleusChannel(context));
  resume(context);
  const server = await listen({
    host: cloud.host,
    log,
    handle: createRestService({ cloud, signingName: 'greengrass', routes, log }),
  });
  return {
    url: server.url,
    v1,
    async close() {
      context.cores.close();
      await server.close();
    },
  };
}

function openContext(
  cloud: CloudContext,
  iotCore: IotCore,
  { readObject, putEvent, now = Date.now }: GreengrassOptions,
  log: Logger,
): GreengrassContext {
  const dir = join(cloud.stateDir, 'greengrass');
  return {
    cloud,
    iotCore,
    log,
    arns: greengrassArns(cloud),
    state: openGreengrassState(dir),
    components: openComponentStore(join(dir, 'components')),
    deployments: openDeploymentStore(dir),
    cores: openCoreDevices(join(dir, 'coreDevices')),
    tokens: openRequestTokens(join(dir, 'requestTokens.json'), now),
    now,
    later: (work) => void work().catch((error: unknown) => log.error({ err: error }, 'greengrass failed')),
    readObject,
    putEvent,
  };
}

function openV1(
  cloud: CloudContext,
  { caPem }: IotCore,
  { putEvent, throttle, v1 }: GreengrassOptions,
  log: Logger,
): GreengrassV1 {
  const dir = join(cloud.stateDir, 'greengrass');
  return createGreengrassV1(
    { cloud, caPem, dir, log },
    {
      ...(throttle && { throttle }),
      // As in an account that has used Greengrass before; only a test wants one that has not.
      serviceRole: `arn:aws:iam::${cloud.account}:role/service-role/Greengrass_ServiceRole`,
      onStatusChange: ({ 'detail-type': detailType, ...event }) => putEvent({ ...event, detailType }),
      ...v1,
    },
  );
}

/** A cloud that was stopped between the answer and the work does the work now. */
function resume(context: GreengrassContext): void {
  for (const record of context.components.all()) {
    if (record.state !== 'REQUESTED' && record.state !== 'INITIATED') continue;
    context.later(() => prepareComponent(context, record));
  }
}

function throttledRoute(route: RestRoute, { throttle }: GreengrassOptions): RestRoute {
  return {
    ...route,
    handle(call) {
      if (throttle?.(route.operation) === true) throw throttled(route.operation);
      return route.handle(call);
    },
  };
}
