import type { RestCall, RestPermission, RestRoute } from '../../../base/rest/service';
import { parseTarget } from '../arns';
import type { GreengrassContext } from '../context';
import { conflict } from '../errors';
import { pageOf, readInput, seconds, wordOf } from '../input';
import { dependentPermissions } from './permissions';
import { cancelDeployment, createDeployment, isLatest, targetIsThing } from './rollout';
import { createDeploymentSchema, type DeploymentRecord } from './schema';

export function deploymentRoutes(context: GreengrassContext): RestRoute[] {
  const { deployments, arns, cloud } = context;
  const idOf = (call: RestCall): string => call.params.deploymentId ?? '';
  const onDeployment =
    (action: string, purpose?: 'read' | 'write') =>
    (call: RestCall): RestPermission[] => {
      const found = deployments.find(idOf(call));
      return [
        { action: `greengrass:${action}`, resource: arns.deployment(idOf(call)) },
        ...(purpose !== undefined && found ? dependentPermissions(purpose, found.targetArn, cloud) : []),
      ];
    };
  const path = '/greengrass/v2/deployments/{deploymentId}';

  return [
    {
      operation: 'CreateDeployment',
      method: 'POST',
      path: '/greengrass/v2/deployments',
      status: 201,
      permissions(call) {
        const { targetArn } = readInput(call, createDeploymentSchema);
        const own = { action: 'greengrass:CreateDeployment', resource: '*' };
        return [own, ...dependentPermissions('write', targetArn, cloud)];
      },
      handle(call) {
        const input = readInput(call, createDeploymentSchema);
        return context.tokens.once('CreateDeployment', input.clientToken, () => {
          const deployment = createDeployment(context, input);
          return { deploymentId: deployment.deploymentId, ...jobOf(context, deployment) };
        });
      },
    },
    {
      operation: 'GetDeployment',
      method: 'GET',
      path,
      permissions: onDeployment('GetDeployment', 'read'),
      handle(call) {
        const deployment = deployments.require(idOf(call));
        const { components, deploymentPolicies, iotJobConfiguration, tags } = deployment;
        return {
          ...summary(context, deployment),
          ...jobOf(context, deployment),
          components,
          deploymentPolicies,
          iotJobConfiguration,
          tags,
        };
      },
    },
    {
      operation: 'ListDeployments',
      method: 'GET',
      path: '/greengrass/v2/deployments',
      permissions: () => [{ action: 'greengrass:ListDeployments', resource: '*' }],
      handle(call) {
        const targetArn = call.query.get('targetArn');
        if (targetArn !== null) parseTarget(targetArn, cloud);
        const filter = wordOf(call, 'historyFilter', ['LATEST_ONLY', 'ALL']);
        const found = targetArn === null ? deployments.all() : deployments.ofTarget(targetArn);
        const wanted = filter === 'ALL' ? found : found.filter((one) => isLatest(context, one));
        const page = pageOf(wanted, call);
        return { deployments: page.items.map((one) => summary(context, one)), nextToken: page.next };
      },
    },
    {
      operation: 'CancelDeployment',
      method: 'POST',
      path: `${path}/cancel`,
      permissions: onDeployment('CancelDeployment', 'write'),
      handle(call) {
        cancelDeployment(context, deployments.require(idOf(call)));
        return { message: 'The deployment is canceled on devices that have not received it' };
      },
    },
    {
      operation: 'DeleteDeployment',
      method: 'DELETE',
      path,
      status: 204,
      permissions: onDeployment('DeleteDeployment'),
      handle(call) {
        const { deploymentId, status } = deployments.require(idOf(call));
        if (status === 'ACTIVE') {
          throw conflict(`Deployment ${deploymentId} is active: cancel it first`, 'deployment', deploymentId);
        }
        deployments.remove(deploymentId);
      },
    },
  ];
}

function summary(context: GreengrassContext, deployment: DeploymentRecord) {
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
  { deploymentId, targetArn }: Pick<DeploymentRecord, 'deploymentId' | 'targetArn'>,
): Record<string, string> {
  if (targetIsThing(targetArn)) return {};
  return {
    iotJobId: deploymentId,
    iotJobArn: `arn:aws:iot:${cloud.region}:${cloud.account}:job/${deploymentId}`,
  };
}
