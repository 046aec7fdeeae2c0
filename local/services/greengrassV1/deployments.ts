import { z } from 'zod';
import { AwsError } from '../../base/context';
import type { RestCall, RestRoute } from '../../base/rest/service';
import { requestInput, groupsRoute, timestamp, type ControlPlane } from './context';
import { invalidInput, resourceNotFound } from './errors';
import { GROUP, groupArn } from './groups';
import type { DeploymentRunner } from './runner';
import type { Group, DeploymentOfGroup } from './state';

const createSchema = z.strictObject({
  DeploymentId: z.string().optional(),
  DeploymentType: z.enum(['NewDeployment', 'Redeployment']),
  GroupVersionId: z.string().optional(),
});
const resetSchema = z.strictObject({ Force: z.boolean().optional() });

export function groupDeploymentRoutes(context: ControlPlane, runner: DeploymentRunner): RestRoute[] {
  const { state, arn } = context;
  const path = `${GROUP}/deployments` as const;
  const resource = groupArn(context);
  const ofGroup = (call: RestCall) =>
    state.deployments.filter((one) => one.groupId === call.param('groupId'));
  const started = (deployment: DeploymentOfGroup): object => {
    runner.start(deployment);
    return { DeploymentArn: deploymentArn(context, deployment), DeploymentId: deployment.id };
  };
  return [
    groupsRoute('CreateDeployment', `POST ${path}`, resource, (call) => {
      const request = requestInput(call, createSchema);
      const group = deployableGroup(context, call);
      const groupVersionId = versionToDeploy(context, group, request);
      requireNoneInFlight(ofGroup(call));
      return started(runner.newDeployment(group, request.DeploymentType, groupVersionId));
    }),
    groupsRoute('ResetDeployments', `POST ${path}/$reset`, resource, (call) => {
      const { Force = false } = requestInput(call, resetSchema);
      const group = deployableGroup(context, call);
      const newest = ofGroup(call).at(-1);
      if (!Force && (newest === undefined || newest.type.endsWith('ResetDeployment'))) {
        throw resourceNotFound(`Group id: ${group.id} has not been deployed or has already been reset.`);
      }
      if (!Force) requireNoneInFlight(ofGroup(call));
      return started(runner.newDeployment(group, Force ? 'ForceResetDeployment' : 'ResetDeployment'));
    }),
    groupsRoute('ListDeployments', `GET ${path}`, resource, (call) => {
      const { items, next } = context.page(call, ofGroup(call).toReversed());
      const Deployments = items.map((one) => ({
        CreatedAt: timestamp(one.createdAt),
        DeploymentArn: deploymentArn(context, one),
        DeploymentId: one.id,
        DeploymentType: one.type,
        GroupArn: arn(`groups/${one.groupId}${one.groupVersionId ? `/versions/${one.groupVersionId}` : ''}`),
      }));
      return { Deployments, NextToken: next };
    }),
    groupsRoute(
      'GetDeploymentStatus',
      `GET ${path}/{deploymentId}/status`,
      (call) => [resource(call), `${resource(call)}/deployments/${call.param('deploymentId')}`],
      (call) => {
        const id = call.param('deploymentId');
        const found = ofGroup(call).find((one) => one.id === id);
        if (found === undefined) throw invalidInput(`Deployment '${id}' does not exist.`);
        return {
          DeploymentStatus: found.status,
          DeploymentType: found.type,
          UpdatedAt: timestamp(found.updatedAt),
          ErrorMessage: found.errorMessage,
          ErrorDetails: found.errorDetails,
        };
      },
    ),
  ];
}

function deploymentArn({ arn }: ControlPlane, { groupId, id }: DeploymentOfGroup): string {
  return arn(`groups/${groupId}/deployments/${id}`);
}

function deployableGroup({ state }: ControlPlane, call: RestCall): Group {
  const group = state.groups[call.param('groupId')];
  if (group === undefined) throw resourceNotFound('That group definition does not exist.');
  return group;
}

/** A redeployment takes the version of the deployment that it names. */
function versionToDeploy(
  { state }: ControlPlane,
  group: Group,
  request: z.output<typeof createSchema>,
): string {
  const missing = (name: string): AwsError =>
    invalidInput(`Your request is missing the following required parameter(s): {${name}}.`);
  let id = request.GroupVersionId;
  if (request.DeploymentType === 'Redeployment') {
    if (request.DeploymentId === undefined) throw missing('DeploymentId');
    const earlier = state.deployments.find((one) => one.id === request.DeploymentId);
    if (earlier?.groupId !== group.id) {
      throw invalidInput(`Deployment ID '${request.DeploymentId}' is invalid.`);
    }
    id ??= earlier.groupVersionId;
  }
  if (id === undefined) throw missing('GroupVersionId');
  const version = group.versions.find((one) => one.id === id);
  if (version === undefined) {
    throw resourceNotFound(`Version ${id} of Group Definition ${group.id} does not exist.`);
  }
  if (version.content.CoreDefinitionVersionArn === undefined) throw missingCore();
  return id;
}

function missingCore(): AwsError {
  const detail = {
    DetailedErrorCode: 'GG-303',
    DetailedErrorMessage: 'You need a Greengrass Core in this Group before you can deploy.',
  };
  return new AwsError('MissingCoreException', JSON.stringify({ ErrorDetails: [detail] }));
}

function requireNoneInFlight(deployments: readonly DeploymentOfGroup[]): void {
  const inFlight = deployments.find(({ status }) => status === 'Building' || status === 'InProgress');
  if (inFlight === undefined) return;
  throw new AwsError(
    'ConcurrentDeployment',
    `Deployment ${inFlight.id} of this group is ${inFlight.status}: wait until it has ended.`,
  );
}
