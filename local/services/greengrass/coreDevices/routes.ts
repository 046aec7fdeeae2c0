import type { RestCall, RestPermission, RestRoute } from '../../../base/rest/service';
import { parseTarget } from '../arns';
import type { GreengrassContext } from '../context';
import { dependentPermissions } from '../deployments/permissions';
import { jobOf } from '../deployments/routes';
import type { ExecutionRecord } from '../deployments/schema';
import { notFound } from '../errors';
import { pageOf, seconds, wordOf } from '../input';
import type { CoreDeviceRecord, InstalledComponent } from './store';

/** Core devices: things that run the nucleus, what they have installed, and their deployments. */
export function coreDeviceRoutes(context: GreengrassContext): RestRoute[] {
  const { cores, deployments, arns, iotCore, cloud } = context;
  const coreOf = (call: RestCall): string => call.params.coreDeviceThingName ?? '';
  const onCore =
    (action: string) =>
    (call: RestCall): RestPermission[] => {
      return [{ action: `greengrass:${action}`, resource: arns.coreDevice(coreOf(call)) }];
    };
  const requireCore = (call: RestCall): CoreDeviceRecord => {
    const core = cores.find(coreOf(call));
    if (core === undefined) throw notFound('coreDevice', coreOf(call));
    return core;
  };
  const path = '/greengrass/v2/coreDevices/{coreDeviceThingName}';

  return [
    {
      operation: 'GetCoreDevice',
      method: 'GET',
      path,
      permissions: onCore('GetCoreDevice'),
      handle(call) {
        const core = requireCore(call);
        return { ...describe(core), coreVersion: core.coreVersion, tags: core.tags };
      },
    },
    {
      operation: 'ListCoreDevices',
      method: 'GET',
      path: '/greengrass/v2/coreDevices',
      permissions: () => [{ action: 'greengrass:ListCoreDevices', resource: '*' }],
      handle(call) {
        const status = call.query.has('status')
          ? wordOf(call, 'status', ['HEALTHY', 'UNHEALTHY'])
          : undefined;
        const groupArn = call.query.get('thingGroupArn');
        const members =
          groupArn === null
            ? undefined
            : iotCore.registry.thingGroups.members(parseTarget(groupArn, cloud, 'thingGroupArn').name);
        const wanted = cores
          .all()
          .filter((core) => status === undefined || core.status === status)
          .filter((core) => members === undefined || members.includes(core.thingName));
        const page = pageOf(wanted, call);
        return { coreDevices: page.items.map(describe), nextToken: page.next };
      },
    },
    {
      operation: 'DeleteCoreDevice',
      method: 'DELETE',
      path,
      status: 204,
      permissions: onCore('DeleteCoreDevice'),
      handle(call) {
        const { thingName } = requireCore(call);
        cores.remove(thingName);
        deployments.removeExecutions(thingName);
      },
    },
    {
      operation: 'ListInstalledComponents',
      method: 'GET',
      path: `${path}/installedComponents`,
      permissions: onCore('ListInstalledComponents'),
      handle(call) {
        const filter = wordOf(call, 'topologyFilter', ['ROOT', 'ALL']);
        const { installed, reportedAt } = requireCore(call);
        const page = pageOf(
          installed.filter(({ isRoot }) => filter === 'ALL' || isRoot),
          call,
        );
        return {
          installedComponents: page.items.map((one) => installedComponent(one, reportedAt)),
          nextToken: page.next,
        };
      },
    },
    {
      operation: 'ListEffectiveDeployments',
      method: 'GET',
      path: `${path}/effectiveDeployments`,
      permissions: (call) => [
        ...onCore('ListEffectiveDeployments')(call),
        ...dependentPermissions('read', iotCore.arns.of('thing', coreOf(call)), cloud),
      ],
      handle(call) {
        requireCore(call);
        const page = pageOf(deployments.executionsOn(coreOf(call)), call);
        return {
          effectiveDeployments: page.items.map((one) => effectiveDeployment(context, one)),
          nextToken: page.next,
        };
      },
    },
  ];
}

function describe({ thingName, status, platform, architecture, reportedAt }: CoreDeviceRecord) {
  return {
    coreDeviceThingName: thingName,
    status,
    platform,
    architecture,
    runtime: 'aws_nucleus_classic',
    lastStatusUpdateTimestamp: seconds(reportedAt),
  };
}

function installedComponent({ changedAt, ...component }: InstalledComponent, reportedAt: number) {
  return {
    ...component,
    lastStatusChangeTimestamp: seconds(changedAt),
    lastReportedTimestamp: seconds(reportedAt),
  };
}

function effectiveDeployment(context: GreengrassContext, execution: ExecutionRecord) {
  const { deploymentId, targetArn, status, createdAt, modifiedAt, reason, statusDetails } = execution;
  return {
    deploymentId,
    deploymentName: context.deployments.find(deploymentId)?.deploymentName ?? deploymentId,
    targetArn,
    ...jobOf(context, execution),
    coreDeviceExecutionStatus: status,
    reason,
    statusDetails,
    creationTimestamp: seconds(createdAt),
    modifiedTimestamp: seconds(modifiedAt),
  };
}
