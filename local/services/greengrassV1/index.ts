import { join } from 'node:path';
import type { Logger } from 'pino';
import { AwsError, type CloudContext } from '../../base/context';
import type { RestRoute } from '../../base/rest/service';
import type { ServiceEvent } from '../eventBridge';
import { authorityRoutes } from './authorities';
import { createControlPlane, type CoreOutcome, type V1Options } from './context';
import { definitionRoutes } from './definitions';
import { groupDeploymentRoutes } from './deployments';
import { groupRoutes } from './groups';
import { roleRoutes } from './roles';
import { DeploymentRunner } from './runner';
import { openV1State } from './state';

export type { CoreDelivery, CoreOutcome, StatusChange, V1Options } from './context';

export interface GreengrassV1 {
  /** For the same endpoint as V2's. */
  readonly routes: RestRoute[];
  /** What a core would report of a deployment that is in progress; false when there is none. */
  report: (deploymentId: string, outcome: CoreOutcome) => boolean;
}

/**
 * The control plane of AWS IoT Greengrass V1 as its API reference describes it: groups, the seven kinds of
 * definitions, deployments, roles and group authorities. Not there, and answered so: bulk deployments,
 * tags, over-the-air updates, runtime configuration. Without a `core`, deployments stay in progress, as
 * those of an edge that is offline. State is kept in `<dir>/v1.json`.
 */
export function createGreengrassV1(
  parts: { cloud: CloudContext; caPem: string; dir: string; log: Logger },
  options: V1Options = {},
): GreengrassV1 {
  const { dir, ...shared } = parts;
  const state = openV1State(dir);
  if (options.serviceRole !== undefined) state.serviceRole ??= { arn: options.serviceRole, at: Date.now() };
  const context = createControlPlane({ ...shared, options, state });
  const runner = new DeploymentRunner(context);
  runner.resume();
  const routes = [
    ...definitionRoutes(context),
    ...groupRoutes(context),
    ...authorityRoutes(context),
    ...roleRoutes(context),
    ...groupDeploymentRoutes(context, runner),
  ];
  return {
    routes: routes.map((route) => ({
      ...route,
      handle(call) {
        if (options.throttle?.(route.operation) !== true) return route.handle(call);
        throw new AwsError('TooManyRequestsException', 'Rate exceeded', 429);
      },
    })),
    report: (deploymentId, outcome) => runner.report(deploymentId, outcome),
  };
}

/**
 * The routes of the control plane in the local cloud, where it shares its address and its folder with V2
 * (`AWS_ENDPOINT_URL_GREENGRASS`).
 */
export function groupServiceRoutes(
  cloud: CloudContext,
  caPem: string,
  putEvent: (event: ServiceEvent) => void,
  options: V1Options,
): RestRoute[] {
  const dir = join(cloud.stateDir, 'greengrass');
  const log = cloud.log.child({ service: 'greengrass' });
  const service = createGreengrassV1(
    { cloud, caPem, dir, log },
    {
      // As in an account that has used Greengrass before; only a test wants one that has not.
      serviceRole: `arn:aws:iam::${cloud.account}:role/service-role/Greengrass_ServiceRole`,
      onStatusChange: ({ 'detail-type': detailType, ...event }) => {
        putEvent({ ...event, detailType });
      },
      ...options,
    },
  );
  return service.routes;
}
