import type { CoreOutcome, V1Context } from './context';
import { definitionsOf } from './groups';
import type { DeploymentRecord, Group } from './state';

export interface DeploymentRunner {
  newDeployment(group: Group, type: DeploymentRecord['type'], groupVersionId?: string): DeploymentRecord;
  /** Lets it go its way: Building, InProgress, then what the core reports. */
  start(deployment: DeploymentRecord): void;
  /** The core's report. False when there is no such deployment in progress. */
  report(deploymentId: string, outcome: CoreOutcome): boolean;
  /** What was under way when the control plane ended goes on. */
  resume(): void;
}

/** The state machine of deployments: each step is scheduled, none happens within the request. */
export function createRunner(context: V1Context): DeploymentRunner {
  const { state, options, log } = context;
  const schedule = options.schedule ?? ((step: () => void) => void setImmediate(step));

  function move(
    deployment: DeploymentRecord,
    status: DeploymentRecord['status'],
    failure?: CoreOutcome,
  ): void {
    deployment.status = status;
    deployment.updatedAt = context.now();
    if (failure?.status === 'Failure') {
      deployment.errorMessage = failure.errorMessage;
      if (failure.errorDetails !== undefined) deployment.errorDetails = failure.errorDetails;
    }
    state.save();
    log.info({ deployment: deployment.id, group: deployment.groupId, status }, 'V1 deployment');
    options.onStatusChange?.({
      'detail-type': 'Greengrass Deployment Status Change',
      source: 'aws.greengrass',
      time: new Date(deployment.updatedAt).toISOString(),
      resources: [],
      detail: {
        'group-id': deployment.groupId,
        'deployment-id': deployment.id,
        'deployment-type': deployment.type,
        status,
      },
    });
  }

  /** What the cloud finds out before a core hears of it. */
  function problemOf(definitions: Record<string, Record<string, unknown>>): string | undefined {
    if (state.serviceRole === undefined) return 'TES service role is not associated with this account.';
    const functions = (definitions.FunctionDefinitionVersionArn?.Functions ?? []) as {
      FunctionArn: string;
    }[];
    const missing = functions.find(({ FunctionArn }) => options.functionExists?.(FunctionArn) === false);
    if (missing !== undefined) return `The Lambda function ${missing.FunctionArn} does not exist.`;
    return unknownResource(definitions);
  }

  function build(deployment: DeploymentRecord): void {
    if (deployment.status !== 'Building') return;
    const group = state.groups[deployment.groupId];
    const version = group?.versions.find(({ id }) => id === deployment.groupVersionId);
    const definitions = definitionsOf(context, version?.content ?? {});
    const problem = version === undefined ? undefined : problemOf(definitions);
    if (problem !== undefined) {
      return move(deployment, 'Failure', {
        status: 'Failure',
        errorMessage: `We cannot deploy because the group definition is invalid or corrupted: ${problem}`,
      });
    }
    move(deployment, 'InProgress');
    if (deployment.type === 'ForceResetDeployment') return schedule(() => move(deployment, 'Success'));
    const answer = options.core?.({
      deploymentId: deployment.id,
      groupId: deployment.groupId,
      groupName: group?.name ?? '',
      type: deployment.type,
      definitions,
    });
    answer?.then(
      (outcome) => runner.report(deployment.id, outcome),
      (error: unknown) => log.error({ err: error, deployment: deployment.id }, 'the V1 core failed'),
    );
  }

  const runner: DeploymentRunner = {
    newDeployment(group, type, groupVersionId) {
      const at = context.now();
      const times = { createdAt: at, updatedAt: at };
      const versioned = groupVersionId === undefined ? {} : { groupVersionId };
      return { id: context.newId(), groupId: group.id, ...versioned, type, status: 'Building', ...times };
    },
    start(deployment) {
      // A forced reset ends what a core that does not answer holds up.
      if (deployment.type === 'ForceResetDeployment') {
        for (const one of state.deployments) {
          if (one.groupId === deployment.groupId && isInFlight(one)) {
            move(one, 'Failure', { status: 'Failure', errorMessage: 'Ended by a forced reset.' });
          }
        }
      }
      state.deployments.push(deployment);
      move(deployment, 'Building');
      schedule(() => build(deployment));
    },
    report(deploymentId, outcome) {
      const deployment = state.deployments.find(({ id }) => id === deploymentId);
      if (deployment?.status !== 'InProgress') return false;
      move(deployment, outcome.status, outcome);
      return true;
    },
    resume() {
      for (const deployment of state.deployments.filter(isInFlight)) {
        deployment.status = 'Building';
        schedule(() => build(deployment));
      }
    },
  };
  return runner;
}

function isInFlight({ status }: DeploymentRecord): boolean {
  return status === 'Building' || status === 'InProgress';
}

/** A function may use resources of its own group only. */
function unknownResource(definitions: Record<string, Record<string, unknown>>): string | undefined {
  const resources = (definitions.ResourceDefinitionVersionArn?.Resources ?? []) as { Id: string }[];
  const known = new Set(resources.map(({ Id }) => Id));
  const functions = (definitions.FunctionDefinitionVersionArn?.Functions ?? []) as {
    Id: string;
    FunctionConfiguration?: { Environment?: { ResourceAccessPolicies?: { ResourceId: string }[] } };
  }[];
  for (const { Id, FunctionConfiguration } of functions) {
    const used = FunctionConfiguration?.Environment?.ResourceAccessPolicies ?? [];
    const unknown = used.find(({ ResourceId }) => !known.has(ResourceId));
    if (unknown !== undefined)
      return `Function ${Id} refers to the nonexistent resource ${unknown.ResourceId}.`;
  }
  return undefined;
}
