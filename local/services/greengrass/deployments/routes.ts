import type { CloudContext } from '../../../base/context';
import { ANY_RESOURCE, type RestCall, type RestPermission, type RestRoute } from '../../../base/rest/service';
import { parseTarget } from '../arns';
import { route, type GreengrassContext } from '../context';
import { conflict, pageFor, readInput, seconds, wordOf } from '../input';
import { cancelDeployment, createDeployment, isLatest, targetIsThing } from './queue';
import { createDeploymentSchema, type StoredDeployment } from './schema';

const PATH = '/greengrass/v2/deployments';

export function deploymentRoutes(context: GreengrassContext): RestRoute[] {
  const { deployments, arns, cloud } = context;
  const idOf = (call: RestCall): string => call.param('deploymentId');
  const resource = (call: RestCall): string => arns.deployment(idOf(call));
  const targetOf = (call: RestCall): string | undefined => deployments.find(idOf(call))?.targetArn;

  const create = route(
    'CreateDeployment',
    `POST ${PATH}`,
    ANY_RESOURCE,
    (call) => {
      const input = readInput(call, createDeploymentSchema);
      return context.tokens.once('CreateDeployment', input.clientToken, () => {
        const deployment = createDeployment(context, input);
        return { deploymentId: deployment.deploymentId, ...jobOf(context, deployment) };
      });
    },
    { status: 201 },
  );
  const get = route('GetDeployment', `GET ${PATH}/{deploymentId}`, resource, (call) => {
    const deployment = deployments.require(idOf(call));
    const { components, deploymentPolicies, iotJobConfiguration, tags } = deployment;
    const more = { components, deploymentPolicies, iotJobConfiguration, tags };
    return { ...summary(context, deployment), ...jobOf(context, deployment), ...more };
  });
  const list = route('ListDeployments', `GET ${PATH}`, ANY_RESOURCE, (call) => {
    const targetArn = call.query.get('targetArn');
    if (targetArn !== null) parseTarget(targetArn, cloud);
    const filter = wordOf(call, 'historyFilter', ['LATEST_ONLY', 'ALL']);
    const found = targetArn === null ? deployments.all() : deployments.ofTarget(targetArn);
    const wanted = filter === 'ALL' ? found : found.filter((one) => isLatest(context, one));
    const page = pageFor(wanted, call);
    return { deployments: page.items.map((one) => summary(context, one)), nextToken: page.next };
  });
  const cancel = route('CancelDeployment', `POST ${PATH}/{deploymentId}/cancel`, resource, (call) => {
    cancelDeployment(context, deployments.require(idOf(call)));
    return { message: 'The deployment is canceled on devices that have not received it' };
  });
  const remove = route(
    'DeleteDeployment',
    `DELETE ${PATH}/{deploymentId}`,
    resource,
    (call) => {
      const { deploymentId, status } = deployments.require(idOf(call));
      if (status === 'ACTIVE') {
        throw conflict(`Deployment ${deploymentId} is active: cancel it first`, 'deployment', deploymentId);
      }
      deployments.remove(deploymentId);
    },
    { status: 204 },
  );
  return [
    withTarget(cloud, 'write', create, (call) => readInput(call, createDeploymentSchema).targetArn),
    withTarget(cloud, 'read', get, targetOf),
    list,
    withTarget(cloud, 'write', cancel, targetOf),
    remove,
  ];
}

/** Needs permissions on the target as well. */
function withTarget(
  cloud: CloudContext,
  purpose: 'read' | 'write',
  own: RestRoute,
  target: (call: RestCall) => string | undefined,
): RestRoute {
  return {
    ...own,
    permissions(call) {
      const targetArn = target(call);
      const more = targetArn === undefined ? [] : dependentPermissions(purpose, targetArn, cloud);
      return [...own.permissions(call), ...more];
    },
  };
}

function summary(context: GreengrassContext, deployment: StoredDeployment) {
  const { targetArn, revisionId, deploymentId, deploymentName, createdAt, status } = deployment;
  return {
    targetArn,
    revisionId,
    deploymentId,
    deploymentName,
    creationTimestamp: seconds(createdAt),
    deploymentStatus: status,
    isLatestForTarget: isLatest(context, deployment),
  };
}

/** Deployments to a thing go through its shadow, those to a group are IoT jobs. */
export function jobOf(
  { cloud }: GreengrassContext,
  { deploymentId, targetArn }: Pick<StoredDeployment, 'deploymentId' | 'targetArn'>,
): Record<string, string> {
  if (targetIsThing(targetArn)) return {};
  return {
    iotJobId: deploymentId,
    iotJobArn: `arn:aws:iot:${cloud.region}:${cloud.account}:job/${deploymentId}`,
  };
}

/**
 * Greengrass acts on IoT with the caller's permissions: shadows for a thing, jobs for a group. Source:
 * Service Authorization Reference, "Dependent actions" of AWS IoT Greengrass V2.
 */
export function dependentPermissions(
  purpose: 'read' | 'write',
  targetArn: string,
  { region, account }: CloudContext,
): RestPermission[] {
  const [, kind] = /:(thing|thinggroup)\//.exec(targetArn) ?? [];
  const on = (resource: string, ...actions: string[]): RestPermission[] =>
    actions.map((action) => ({ action: `iot:${action}`, resource }));
  const write = purpose === 'write';
  if (kind === 'thing') {
    return on(targetArn, 'DescribeThing', 'GetThingShadow', ...(write ? ['UpdateThingShadow'] : []));
  }
  const jobs = `arn:aws:iot:${region}:${account}:job/*`;
  return [
    ...on(targetArn, 'DescribeThingGroup', ...(write ? ['CreateJob'] : [])),
    ...on(jobs, 'DescribeJob', ...(write ? ['CreateJob', 'CancelJob'] : [])),
  ];
}
