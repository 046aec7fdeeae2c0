import { z } from 'zod';
import { AwsError } from '../../base/context';
import { readJsonBody } from '../../base/rest/input';
import type { RestCall, RestRoute, V1Context } from './context';
import type { DeploymentRunner } from './runner';
import { invalidInput, resourceNotFound } from './errors';
import { GROUP, onGroup } from './groups';
import type { DeploymentRecord, Group } from './state';

const createSchema = z.strictObject({
  DeploymentId: z.string().optional(),
  DeploymentType: z.enum(['NewDeployment', 'Redeployment']),
  GroupVersionId: z.string().optional(),
});
const resetSchema = z.strictObject({ Force: z.boolean().optional() });

export function deploymentRoutes(context: V1Context, runner: DeploymentRunner): RestRoute[] {
  const { state, arn } = context;
  const path = `${GROUP}/deployments`;
  const ofGroup = (call: RestCall) => state.deployments.filter((one) => one.groupId === call.params.groupId);
  const started = (deployment: DeploymentRecord): object => {
    runner.start(deployment);
    return { DeploymentArn: deploymentArn(context, deployment), DeploymentId: deployment.id };
  };
  return [
    {
      operation: 'CreateDeployment',
      method: 'POST',
      path,
      permissions: onGroup(context, 'CreateDeployment'),
      handle(call) {
        const request = readJsonBody(call.body, createSchema, 'InvalidInputException');
        const group = deployableGroup(context, call);
        const groupVersionId = versionToDeploy(context, group, request);
        requireNoneInFlight(ofGroup(call));
        return started(runner.newDeployment(group, request.DeploymentType, groupVersionId));
      },
    },
    {
      operation: 'ResetDeployments',
      method: 'POST',
      path: `${path}/$reset`,
      permissions: onGroup(context, 'ResetDeployments'),
      handle(call) {
        const { Force = false } = readJsonBody(call.body, resetSchema, 'InvalidInputException');
        const group = deployableGroup(context, call);
        const newest = ofGroup(call).at(-1);
        if (!Force && (newest === undefined || newest.type.endsWith('ResetDeployment'))) {
          throw resourceNotFound(`Group id: ${group.id} has not been deployed or has already been reset.`);
        }
        if (!Force) requireNoneInFlight(ofGroup(call));
        return started(runner.newDeployment(group, Force ? 'ForceResetDeployment' : 'ResetDeployment'));
      },
    },
    {
      operation: 'ListDeployments',
      method: 'GET',
      path,
      permissions: onGroup(context, 'ListDeployments'),
      handle(call) {
        const { items, next } = context.page(call, ofGroup(call).toReversed());
        const Deployments = items.map((one) => ({
          CreatedAt: new Date(one.createdAt).toISOString(),
          DeploymentArn: deploymentArn(context, one),
          DeploymentId: one.id,
          DeploymentType: one.type,
          GroupArn: arn(
            `groups/${one.groupId}${one.groupVersionId ? `/versions/${one.groupVersionId}` : ''}`,
          ),
        }));
        return { Deployments, NextToken: next };
      },
    },
    {
      operation: 'GetDeploymentStatus',
      method: 'GET',
      path: `${path}/{deploymentId}/status`,
      permissions: (call) => [
        ...onGroup(context, 'GetDeploymentStatus')(call),
        {
          action: 'greengrass:GetDeploymentStatus',
          resource: arn(`groups/${call.params.groupId}/deployments/${call.params.deploymentId}`),
        },
      ],
      handle(call) {
        const id = call.params.deploymentId ?? '';
        const found = ofGroup(call).find((one) => one.id === id);
        if (found === undefined) throw invalidInput(`Deployment '${id}' does not exist.`);
        return {
          DeploymentStatus: found.status,
          DeploymentType: found.type,
          UpdatedAt: new Date(found.updatedAt).toISOString(),
          ...(found.errorMessage !== undefined && { ErrorMessage: found.errorMessage }),
          ...(found.errorDetails !== undefined && { ErrorDetails: found.errorDetails }),
        };
      },
    },
  ];
}

function deploymentArn({ arn }: V1Context, { groupId, id }: DeploymentRecord): string {
  return arn(`groups/${groupId}/deployments/${id}`);
}

function deployableGroup({ state }: V1Context, call: RestCall): Group {
  const group = state.groups[call.params.groupId ?? ''];
  if (group === undefined) throw resourceNotFound('That group definition does not exist.');
  return group;
}

/** A redeployment takes the version of the deployment that it names. */
function versionToDeploy({ state }: V1Context, group: Group, request: z.output<typeof createSchema>): string {
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

function requireNoneInFlight(deployments: readonly DeploymentRecord[]): void {
  const inFlight = deployments.find(({ status }) => status === 'Building' || status === 'InProgress');
  if (inFlight === undefined) return;
  throw new AwsError(
    'ConcurrentDeployment',
    `Deployment ${inFlight.id} of this group is ${inFlight.status}: wait until it has ended.`,
  );
}
