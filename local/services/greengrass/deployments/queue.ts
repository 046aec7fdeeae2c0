import { randomUUID } from 'node:crypto';
import { parseTarget } from '../arns';
import type { GreengrassContext } from '../context';
import { conflict, missingResource } from '../input';
import { isFinal, type CreateDeploymentInput, type StoredDeployment, type ExecutionRecord } from './schema';

/** What a core reports about a deployment. */
export type ExecutionReport = Pick<ExecutionRecord, 'status' | 'reason' | 'statusDetails'>;

/** Of the states that AWS tells the event bus (developer guide, "Get deployment notifications"). */
const TOLD = ['FAILED', 'SUCCEEDED', 'COMPLETED', 'REJECTED', 'CANCELED'];

/**
 * Makes the next revision of the target's deployment and queues it on the target's cores. What the
 * revision before has not finished is canceled where no core has begun it.
 */
export function createDeployment(context: GreengrassContext, input: CreateDeploymentInput): StoredDeployment {
  const { deployments, now } = context;
  const { targetArn } = input;
  requireTarget(context, targetArn);
  const [previous] = deployments.ofTarget(targetArn);
  if (previous !== undefined) supersede(context, previous);
  const deployment: StoredDeployment = {
    deploymentId: randomUUID(),
    deploymentName: input.deploymentName ?? `Deployment for ${targetArn.slice(targetArn.indexOf('/') + 1)}`,
    targetArn,
    revisionId: String(Number(previous?.revisionId ?? 0) + 1),
    components: input.components,
    deploymentPolicies: withDefaults(input.deploymentPolicies),
    ...(input.iotJobConfiguration && { iotJobConfiguration: input.iotJobConfiguration }),
    tags: input.tags,
    createdAt: now(),
    status: 'ACTIVE',
  };
  deployments.save(deployment);
  for (const core of coresOf(context, targetArn)) queue(context, deployment, core);
  return deployment;
}

/** For what joins a group after its deployment was made; nothing when the core has it already. */
export function queueMissing(context: GreengrassContext, core: string): void {
  for (const targetArn of targetsOf(context, core)) {
    const [latest] = context.deployments.ofTarget(targetArn);
    if (latest === undefined || latest.status === 'CANCELED') continue;
    if (context.deployments.execution(core, latest.deploymentId) === undefined) queue(context, latest, core);
  }
}

/** Throws ConflictException when it ended already. */
export function cancelDeployment(context: GreengrassContext, deployment: StoredDeployment): void {
  const { deploymentId, status } = deployment;
  if (status !== 'ACTIVE') {
    throw conflict(`Deployment ${deploymentId} is ${status}`, 'deployment', deploymentId);
  }
  context.deployments.save({ ...deployment, status: 'CANCELED' });
  cancelQueued(context, deploymentId);
}

/** Keeps what a core says, and tells the event bus. A report that comes after the end changes nothing. */
export function keepReport(
  context: GreengrassContext,
  execution: ExecutionRecord,
  given: ExecutionReport,
): void {
  if (isFinal(execution.status)) return;
  const { deployments, now } = context;
  const next: ExecutionRecord = { ...execution, ...given, modifiedAt: now() };
  deployments.saveExecution(next);
  const deployment = deployments.find(execution.deploymentId);
  // A deployment to a thing ends with its one execution; one to a group never does.
  if (deployment?.status === 'ACTIVE' && targetIsThing(deployment.targetArn) && isFinal(next.status)) {
    const asIs = next.status === 'COMPLETED' || next.status === 'CANCELED' ? next.status : undefined;
    deployments.save({ ...deployment, status: asIs ?? 'FAILED' });
  }
  tell(context, next);
}

export function isLatest({ deployments }: GreengrassContext, deployment: StoredDeployment): boolean {
  return deployments.ofTarget(deployment.targetArn)[0]?.deploymentId === deployment.deploymentId;
}

export function targetIsThing(targetArn: string): boolean {
  return /:thing\//.test(targetArn);
}

/** The targets that a core belongs to: itself and its thing groups. */
export function targetsOf({ iotCore }: GreengrassContext, core: string): string[] {
  const { thingGroups } = iotCore.registry;
  return [
    iotCore.arns.of('thing', core),
    ...thingGroups.groupsOf(core).map((group) => iotCore.arns.of('thinggroup', group)),
  ];
}

function coresOf({ cloud, iotCore }: GreengrassContext, targetArn: string): string[] {
  const { kind, name } = parseTarget(targetArn, cloud);
  return kind === 'thing' ? [name] : iotCore.registry.thingGroups.members(name);
}

function requireTarget({ cloud, iotCore }: GreengrassContext, targetArn: string): void {
  const { kind, name } = parseTarget(targetArn, cloud);
  const { things, thingGroups } = iotCore.registry;
  if (kind === 'thing' ? !things.has(name) : !thingGroups.has(name)) throw missingResource(kind, name);
}

function supersede(context: GreengrassContext, previous: StoredDeployment): void {
  if (previous.status === 'ACTIVE') {
    const done = context.deployments
      .executionsOf(previous.deploymentId)
      .some(({ status }) => isFinal(status));
    const status = !targetIsThing(previous.targetArn) && done ? 'INACTIVE' : 'CANCELED';
    context.deployments.save({ ...previous, status });
  }
  cancelQueued(context, previous.deploymentId);
}

function cancelQueued(context: GreengrassContext, deploymentId: string): void {
  for (const execution of context.deployments.executionsOf(deploymentId)) {
    if (execution.status !== 'QUEUED') continue;
    keepReport(context, execution, {
      status: 'CANCELED',
      reason: 'CANCELED: a newer revision, or by request',
    });
  }
}

function queue(context: GreengrassContext, deployment: StoredDeployment, core: string): void {
  const { deploymentId, targetArn } = deployment;
  const at = context.now();
  context.deployments.saveExecution({
    ...{ coreThingName: core, deploymentId, targetArn, createdAt: at, modifiedAt: at },
    status: 'QUEUED',
  });
  context.cores.wake(core);
}

function tell({ cloud, arns, putEvent }: GreengrassContext, execution: ExecutionRecord): void {
  const { coreThingName, deploymentId, status, statusDetails, reason } = execution;
  if (!TOLD.includes(status)) return;
  cloud.log.debug({ service: 'greengrass', coreThingName, deploymentId, status }, 'effective deployment');
  putEvent({
    source: 'aws.greengrass',
    detailType: 'Greengrass V2 Effective Deployment Status Change',
    resources: [arns.coreDevice(coreThingName)],
    detail: {
      deploymentId,
      coreDeviceExecutionStatus: status,
      ...(statusDetails !== undefined && { statusDetails }),
      ...(reason !== undefined && { reason }),
    },
  });
}

function withDefaults(
  policies: CreateDeploymentInput['deploymentPolicies'],
): StoredDeployment['deploymentPolicies'] {
  return {
    failureHandlingPolicy: 'ROLLBACK',
    componentUpdatePolicy: { timeoutInSeconds: 60, action: 'NOTIFY_COMPONENTS' },
    configurationValidationPolicy: { timeoutInSeconds: 30 },
    ...policies,
  };
}
