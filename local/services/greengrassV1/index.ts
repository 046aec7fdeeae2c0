import type { Logger } from 'pino';
import type { CloudContext } from '../../base/context';
import type { RestRoute } from '../../base/rest/service';
import { authorityRoutes } from './authorities';
import { createV1Context, type CoreOutcome, type V1Options } from './context';
import { definitionRoutes } from './definitions';
import { deploymentRoutes } from './deployments';
import { throttled } from './errors';
import { groupRoutes } from './groups';
import { roleRoutes } from './roles';
import { createRunner } from './runner';
import { openV1State } from './state';

export type { CoreDelivery, CoreOutcome, StatusChange, V1Core, V1Options } from './context';

export interface GreengrassV1 {
  /** For the same endpoint as V2's. */
  readonly routes: RestRoute[];
  /** What a core would report of a deployment that is in progress; false when there is none. */
  report(deploymentId: string, outcome: CoreOutcome): boolean;
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
  const { cloud, caPem, dir, log } = parts;
  const state = openV1State(dir);
  if (options.serviceRole !== undefined) state.serviceRole ??= { arn: options.serviceRole, at: Date.now() };
  const context = createV1Context({ cloud, caPem, log, options, state });
  const runner = createRunner(context);
  runner.resume();
  const routes = [
    ...definitionRoutes(context),
    ...groupRoutes(context),
    ...authorityRoutes(context),
    ...roleRoutes(context),
    ...deploymentRoutes(context, runner),
  ];
  return {
    routes: routes.map((route) => ({
      ...route,
      handle(call) {
        if (options.throttle?.(route.operation) === true) throw throttled();
        return route.handle(call);
      },
    })),
    report: (deploymentId, outcome) => runner.report(deploymentId, outcome),
  };
}
