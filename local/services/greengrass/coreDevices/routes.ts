import { ANY_RESOURCE, type RestCall, type RestRoute } from '../../../base/rest/service';
import { parseTarget } from '../arns';
import { route, type GreengrassContext } from '../context';
import { dependentPermissions, jobOf } from '../deployments/routes';
import type { ExecutionRecord } from '../deployments/schema';
import { missingResource, pageFor, seconds, wordOf } from '../input';
import type { CoreDeviceRecord, InstalledComponent } from './store';

const PATH = '/greengrass/v2/coreDevices/{coreDeviceThingName}';

/** Core devices: things that run the nucleus, what they have installed, and their deployments. */
export function coreDeviceRoutes(context: GreengrassContext): RestRoute[] {
  const { cores, deployments, arns, iotCore, cloud } = context;
  const coreOf = (call: RestCall): string => call.param('coreDeviceThingName');
  const resource = (call: RestCall): string => arns.coreDevice(coreOf(call));
  const requireCore = (call: RestCall): CoreDeviceRecord => {
    const core = cores.find(coreOf(call));
    if (core === undefined) throw missingResource('coreDevice', coreOf(call));
    return core;
  };
  const effective = route(
    'ListEffectiveDeployments',
    `GET ${PATH}/effectiveDeployments`,
    resource,
    (call) => {
      requireCore(call);
      const page = pageFor(deployments.executionsOn(coreOf(call)), call);
      const effectiveDeployments = page.items.map((one) => effectiveDeployment(context, one));
      return { effectiveDeployments, nextToken: page.next };
    },
  );
  return [
    route('GetCoreDevice', `GET ${PATH}`, resource, (call) => {
      const core = requireCore(call);
      return { ...describe(core), coreVersion: core.coreVersion, tags: core.tags };
    }),
    route('ListCoreDevices', 'GET /greengrass/v2/coreDevices', ANY_RESOURCE, (call) => {
      const page = pageFor(wantedCores(context, call), call);
      return { coreDevices: page.items.map(describe), nextToken: page.next };
    }),
    route(
      'DeleteCoreDevice',
      `DELETE ${PATH}`,
      resource,
      (call) => {
        const { thingName } = requireCore(call);
        cores.remove(thingName);
        deployments.removeExecutions(thingName);
      },
      { status: 204 },
    ),
    route('ListInstalledComponents', `GET ${PATH}/installedComponents`, resource, (call) => {
      const filter = wordOf(call, 'topologyFilter', ['ROOT', 'ALL']);
      const { installed, reportedAt } = requireCore(call);
      const wanted = installed.filter(({ isRoot }) => filter === 'ALL' || isRoot);
      const page = pageFor(wanted, call);
      const installedComponents = page.items.map((one) => installedComponent(one, reportedAt));
      return { installedComponents, nextToken: page.next };
    }),
    {
      ...effective,
      permissions: (call) => [
        ...effective.permissions(call),
        ...dependentPermissions('read', iotCore.arns.of('thing', coreOf(call)), cloud),
      ],
    },
  ];
}

function wantedCores({ cores, iotCore, cloud }: GreengrassContext, call: RestCall): CoreDeviceRecord[] {
  const status = call.query.has('status') ? wordOf(call, 'status', ['HEALTHY', 'UNHEALTHY']) : undefined;
  const groupArn = call.query.get('thingGroupArn');
  const group = groupArn === null ? undefined : parseTarget(groupArn, cloud, 'thingGroupArn').name;
  const members = group === undefined ? undefined : iotCore.registry.thingGroups.members(group);
  return cores
    .all()
    .filter((core) => status === undefined || core.status === status)
    .filter((core) => members?.includes(core.thingName) ?? true);
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
