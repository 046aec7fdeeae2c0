import { AwsError, type CloudContext, type Service } from '../../base/context';
import { listen } from '../../base/http';
import { createRestService, type RestRoute } from '../../base/rest/service';
import type { IotCore } from '../iotCore';
import { prepareComponent } from './components/artifacts';
import { componentRoutes } from './components/routes';
import { openContext, type GreengrassContext, type GreengrassOptions } from './context';
import { coreDeviceRoutes } from './coreDevices/routes';
import { deploymentRoutes } from './deployments/routes';
import { clientDeviceRoutes, connectivityRoutes, discoveryOf } from './discovery';
import { nucleusChannel } from './nucleusChannel';
import { tagRoutes } from './tags';

export type { GreengrassOptions } from './context';

/**
 * AWS IoT Greengrass V2: components, deployments, core devices, connectivity and client devices at `url`
 * (`AWS_ENDPOINT_URL_GREENGRASSV2`), discovery and the channel of the nucleus on IoT Core's endpoint for
 * devices. `others` are routes of another service at the same address. State is kept in
 * `<stateDir>/greengrass`.
 */
export async function createGreengrass(
  cloud: CloudContext,
  iotCore: IotCore,
  options: GreengrassOptions,
  others: readonly RestRoute[] = [],
): Promise<Service> {
  const context = openContext(cloud, iotCore, options);
  const { log } = context;
  const own = [
    ...connectivityRoutes(context),
    ...clientDeviceRoutes(context),
    ...componentRoutes(context),
    ...deploymentRoutes(context),
    ...coreDeviceRoutes(context),
    ...tagRoutes(context),
  ].map((route) => throttledRoute(route, options));
  iotCore.serveDiscovery(discoveryOf(context));
  iotCore.serveDevices(nucleusChannel(context));
  resume(context);
  const routes = [...own, ...others];
  const handle = createRestService({ cloud, signingName: 'greengrass', routes, log });
  const server = await listen({ host: cloud.host, log, handle });
  return {
    url: server.url,
    async close() {
      context.cores.close();
      await server.close();
    },
  };
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
      if (throttle?.(route.operation) !== true) return route.handle(call);
      const quota = { serviceCode: 'greengrass', quotaCode: route.operation };
      throw new AwsError('ThrottlingException', 'Rate exceeded', 429, quota);
    },
  };
}
