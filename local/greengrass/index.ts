import { join } from 'node:path';
import type { CloudContext, Service } from '../context';
import { listen } from '../http/server';
import type { IotCore } from '../iotCore';
import { createRestService } from '../iotCore/rest/service';
import { clientDeviceRoutes } from './clientDevices';
import { connectivityRoutes } from './connectivity';
import { discoveryOf } from './discovery';
import { openGreengrassState } from './state';

export type Greengrass = Service;

/**
 * The part of AWS IoT Greengrass V2 that discovery rests on: where cores listen and which client
 * devices belong to them. `AWS_ENDPOINT_URL_GREENGRASSV2` is its `url`. State is kept in
 * `<stateDir>/greengrass`.
 */
export async function createGreengrass(cloud: CloudContext, iotCore: IotCore): Promise<Greengrass> {
  const log = cloud.log.child({ service: 'greengrass' });
  const state = openGreengrassState(join(cloud.stateDir, 'greengrass'));
  const context = { cloud, iotCore, state };
  const routes = [...connectivityRoutes(context), ...clientDeviceRoutes(context)];
  iotCore.serveDiscovery(discoveryOf(context));
  return listen({
    host: cloud.host,
    log,
    handle: createRestService({ cloud, signingName: 'greengrass', routes, log }),
  });
}
