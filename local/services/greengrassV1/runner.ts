import { timestamp, type ControlPlane, type CoreOutcome } from './context';
import { definitionsOf } from './groups';
import type { Group, DeploymentOfGroup } from './state';

/** The state machine of deployments: each step is scheduled, none happens within the request. */
export class DeploymentRunner {
  readonly #schedule: (step: () => void) => void;

  constructor(private readonly context: ControlPlane) {
    this.#schedule = context.options.schedule ?? ((step) => void setImmediate(step));
  }

  newDeployment(group: Group, type: DeploymentOfGroup['type'], groupVersionId?: string): DeploymentOfGroup {
    const at = this.context.now();
    const times = { createdAt: at, updatedAt: at };
    const versioned = groupVersionId === undefined ? {} : { groupVersionId };
    const id = this.context.newId();
    return { id, groupId: group.id, ...versioned, type, status: 'Building', ...times };
  }

  /** Lets it go its way: Building, InProgress, then what the core reports. */
  start(deployment: DeploymentOfGroup): void {
    const { deployments } = this.context.state;
    // A forced reset ends what a core that does not answer holds up.
    if (deployment.type === 'ForceResetDeployment') {
      for (const one of deployments) {
        if (one.groupId !== deployment.groupId || !isInFlight(one)) continue;
        this.#move(one, 'Failure', { status: 'Failure', errorMessage: 'Ended by a forced reset.' });
      }
    }
    deployments.push(deployment);
    this.#move(deployment, 'Building');
    this.#buildLater(deployment);
  }

  /** The core's report. False when there is no such deployment in progress. */
  report(deploymentId: string, outcome: CoreOutcome): boolean {
    const deployment = this.context.state.deployments.find(({ id }) => id === deploymentId);
    if (deployment?.status !== 'InProgress') return false;
    this.#move(deployment, outcome.status, outcome);
    return true;
  }

  /** What was under way when the control plane ended goes on. */
  resume(): void {
    for (const deployment of this.context.state.deployments.filter(isInFlight)) {
      deployment.status = 'Building';
      this.#buildLater(deployment);
    }
  }

  #buildLater(deployment: DeploymentOfGroup): void {
    this.#schedule(() => {
      if (deployment.status === 'Building') this.#build(deployment);
    });
  }

  #build(deployment: DeploymentOfGroup): void {
    const group = this.context.state.groups[deployment.groupId];
    const version = group?.versions.find(({ id }) => id === deployment.groupVersionId);
    const definitions = definitionsOf(this.context, version?.content ?? {});
    const problem = version === undefined ? undefined : this.#problemOf(definitions);
    if (problem !== undefined) {
      const errorMessage = `We cannot deploy because the group definition is invalid or corrupted: ${problem}`;
      this.#move(deployment, 'Failure', { status: 'Failure', errorMessage });
      return;
    }
    this.#move(deployment, 'InProgress');
    if (deployment.type === 'ForceResetDeployment') {
      this.#schedule(() => {
        this.#move(deployment, 'Success');
      });
    } else this.#tellCore(deployment, group, definitions);
  }

  #tellCore(deployment: DeploymentOfGroup, group: Group | undefined, definitions: Definitions): void {
    const { options, log } = this.context;
    const answer = options.core?.({
      deploymentId: deployment.id,
      groupId: deployment.groupId,
      groupName: group?.name ?? '',
      type: deployment.type,
      definitions,
    });
    answer?.then(
      (outcome) => this.report(deployment.id, outcome),
      (error: unknown) => {
        log.error({ err: error, deployment: deployment.id }, 'the V1 core failed');
      },
    );
  }

  /** What the cloud finds out before a core hears of it. */
  #problemOf(definitions: Definitions): string | undefined {
    const { state, options } = this.context;
    if (state.serviceRole === undefined) return 'TES service role is not associated with this account.';
    const missing = functionsOf(definitions).find(
      ({ FunctionArn }) => options.functionExists?.(FunctionArn) === false,
    );
    if (missing !== undefined) return `The Lambda function ${missing.FunctionArn} does not exist.`;
    return unknownResource(definitions);
  }

  #move(deployment: DeploymentOfGroup, status: DeploymentOfGroup['status'], failure?: CoreOutcome): void {
    const { state, options, log } = this.context;
    deployment.status = status;
    deployment.updatedAt = this.context.now();
    if (failure?.status === 'Failure') {
      deployment.errorMessage = failure.errorMessage;
      if (failure.errorDetails !== undefined) deployment.errorDetails = failure.errorDetails;
    }
    state.save();
    log.info({ deployment: deployment.id, group: deployment.groupId, status }, 'V1 deployment');
    options.onStatusChange?.({
      'detail-type': 'Greengrass Deployment Status Change',
      source: 'aws.greengrass',
      time: timestamp(deployment.updatedAt),
      resources: [],
      detail: {
        'group-id': deployment.groupId,
        'deployment-id': deployment.id,
        'deployment-type': deployment.type,
        status,
      },
    });
  }
}

/** By the group version's fields, the content that each ARN names. */
type Definitions = Record<string, Record<string, unknown>>;

interface DefinedFunction {
  Id: string;
  FunctionArn: string;
  FunctionConfiguration?: { Environment?: { ResourceAccessPolicies?: { ResourceId: string }[] } };
}

function functionsOf(definitions: Definitions): DefinedFunction[] {
  return (definitions.FunctionDefinitionVersionArn?.Functions ?? []) as DefinedFunction[];
}

function isInFlight({ status }: DeploymentOfGroup): boolean {
  return status === 'Building' || status === 'InProgress';
}

/** A function may use resources of its own group only. */
function unknownResource(definitions: Definitions): string | undefined {
  const resources = (definitions.ResourceDefinitionVersionArn?.Resources ?? []) as { Id: string }[];
  const known = new Set(resources.map(({ Id }) => Id));
  for (const { Id, FunctionConfiguration } of functionsOf(definitions)) {
    const used = FunctionConfiguration?.Environment?.ResourceAccessPolicies ?? [];
    const unknown = used.find(({ ResourceId }) => !known.has(ResourceId));
    if (unknown !== undefined) {
      return `Function ${Id} refers to the nonexistent resource ${unknown.ResourceId}.`;
    }
  }
  return undefined;
}
