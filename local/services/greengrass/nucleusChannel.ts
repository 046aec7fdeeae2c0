import { z } from 'zod';
import { AwsError } from '../../base/context';
import type { DeviceCall, DeviceService } from '../iotCore';
import { resolveCandidates, resolveSchema } from './components/resolve';
import type { GreengrassContext } from './context';
import { installedSchema, type InstalledComponent } from './coreDevices/store';
import { documentOf, needsDownload } from './deployments/document';
import { keepReport, queueMissing, targetsOf } from './deployments/queue';
import { executionSchema, isFinal, type ExecutionRecord } from './deployments/schema';
import { missingResource, readInput } from './input';

/**
 * What the nucleus asks the cloud with the certificate of its thing. On AWS, deployments arrive through a
 * shadow (things) and IoT jobs (groups), and status goes out over MQTT; here one long poll and one POST
 * stand for them, allowed by the same IoT policies. The other two are calls of the real data plane.
 */
export function nucleusChannel(context: GreengrassContext): DeviceService {
  const ofCore = (handle: typeof next) => (call: DeviceCall, core: string) => handle(context, call, core);
  const routes: [string, RegExp, (call: DeviceCall, core: string) => Promise<unknown>][] = [
    ['GET', /^\/greengrass\/v2\/local\/coreDevices\/([^/]+)\/next$/, ofCore(next)],
    ['POST', /^\/greengrass\/v2\/local\/coreDevices\/([^/]+)\/status$/, ofCore(status)],
    ['GET', /^\/greengrass\/v2\/coreDevices\/([^/]+)\/deployments\/[^/]+$/, ofCore(configuration)],
    ['POST', /^\/greengrass\/v2\/resolveComponentCandidates$/, ofCore(candidates)],
  ];
  return (call) => {
    for (const [method, path, handle] of routes) {
      const found = method === call.method ? path.exec(call.pathname) : null;
      if (found !== null) return handle(call, decodeURIComponent(found[1] ?? ''));
    }
    return undefined;
  };
}

/** As long as one poll waits at most, in milliseconds. */
const LONGEST_WAIT = 60_000;

/** The oldest deployment that waits for this core, and the targets that it belongs to. */
async function next(context: GreengrassContext, call: DeviceCall, core: string): Promise<unknown> {
  const own = `$aws/things/${core}`;
  requireThing(context, call, core);
  requirePolicy(context, call, core, 'iot:Subscribe', [
    `topicfilter/${own}/shadow/name/AWSManagedGreengrassV2Deployment/update/accepted`,
    `topicfilter/${own}/jobs/notify-namespace-aws-gg-deployment`,
  ]);
  if (targetsOf(context, core).length > 1) {
    requirePolicy(context, call, core, 'greengrass:ListThingGroupsForCoreDevice', ['*']);
  }
  const wait = Math.min(Number(call.query.get('wait') ?? 0) || 0, LONGEST_WAIT);
  let execution = waitingFor(context, core);
  if (execution === undefined && wait > 0) {
    await context.cores.news(core, wait);
    execution = waitingFor(context, core);
  }
  const deployment = execution && documentOf(context, execution);
  return { targets: targetsOf(context, core), ...(deployment && { deployment }) };
}

/** One that the core began and never ended is given again: the core was restarted. */
function waitingFor(context: GreengrassContext, core: string): ExecutionRecord | undefined {
  queueMissing(context, core);
  return context.deployments
    .executionsOn(core)
    .reverse()
    .find((execution) => !isFinal(execution.status) && context.deployments.find(execution.deploymentId));
}

const statusSchema = z.strictObject({
  core: z
    .strictObject({
      coreVersion: z.string(),
      platform: z.string(),
      architecture: z.string(),
      status: z.enum(['HEALTHY', 'UNHEALTHY']),
      installed: z.array(installedSchema),
    })
    .optional(),
  deployment: executionSchema
    .pick({ deploymentId: true, status: true, reason: true, statusDetails: true })
    .optional(),
});

async function status(context: GreengrassContext, call: DeviceCall, core: string): Promise<unknown> {
  requireThing(context, call, core);
  requirePolicy(context, call, core, 'iot:Publish', [`topic/$aws/things/${core}/greengrassv2/health/json`]);
  const body = readInput(call, statusSchema);
  if (body.core !== undefined) {
    const before = context.cores.find(core);
    const tags = before?.tags ?? {};
    context.cores.save({ thingName: core, ...body.core, reportedAt: context.now(), tags });
    tellBroken(context, core, before?.installed ?? [], body.core.installed);
  }
  if (body.deployment !== undefined) {
    const { deploymentId, ...outcome } = body.deployment;
    const execution = context.deployments.execution(core, deploymentId);
    if (execution === undefined) throw missingResource('deployment', deploymentId);
    keepReport(context, execution, outcome);
    return { deploymentStatus: context.deployments.execution(core, deploymentId)?.status };
  }
  return {};
}

const TOLD_STATES = ['ERRORED', 'BROKEN'];

/**
 * Tells the event bus of components that came into a state of error since the core's last report. Source:
 * AWS IoT Greengrass V2 developer guide, "Component status change event".
 */
function tellBroken(
  { arns, putEvent }: GreengrassContext,
  core: string,
  before: readonly InstalledComponent[],
  now: readonly InstalledComponent[],
): void {
  const stateBefore = new Map(before.map((one) => [`${one.componentName}:${one.componentVersion}`, one]));
  const components = now.filter(({ componentName, componentVersion, lifecycleState, changedAt }) => {
    const known = stateBefore.get(`${componentName}:${componentVersion}`);
    const isNew = known?.lifecycleState !== lifecycleState || known.changedAt !== changedAt;
    return isNew && TOLD_STATES.includes(lifecycleState);
  });
  if (components.length === 0) return;
  putEvent({
    source: 'aws.greengrass',
    detailType: 'Greengrass V2 Installed Component Status Change',
    resources: [arns.coreDevice(core)],
    detail: {
      components: components.map((one) => ({
        componentName: one.componentName,
        componentVersion: one.componentVersion,
        root: one.isRoot,
        lifecycleState: one.lifecycleState,
        lifecycleStatusCodes: one.lifecycleStatusCodes ?? [],
        lifecycleStateDetails: one.lifecycleStateDetails ?? '',
      })),
    },
  });
}

/** Of a deployment that is too large for a shadow or job document. */
async function configuration(context: GreengrassContext, call: DeviceCall, core: string): Promise<unknown> {
  requireThing(context, call, core);
  requirePolicy(context, call, core, 'greengrass:GetDeploymentConfiguration', ['*']);
  const deploymentId = decodeURIComponent(call.pathname.slice(call.pathname.lastIndexOf('/') + 1));
  const execution = context.deployments.execution(core, deploymentId);
  if (execution === undefined) throw missingResource('deployment', deploymentId);
  const { components } = context.deployments.require(deploymentId);
  return { components, large: needsDownload(context.deployments.require(deploymentId)) };
}

async function candidates(context: GreengrassContext, call: DeviceCall): Promise<unknown> {
  const core = call.thingName ?? '';
  requireThing(context, call, core);
  requirePolicy(context, call, core, 'greengrass:ResolveComponentCandidates', ['*']);
  return resolveCandidates(context, readInput(call, resolveSchema));
}

function requireThing({ iotCore, log }: GreengrassContext, call: DeviceCall, thingName: string): void {
  if (iotCore.registry.things.isAttached(thingName, call.certificateId)) return;
  log.warn({ thingName, certificateId: call.certificateId }, 'refused: not the certificate of this thing');
  throw new AwsError('AccessDeniedException', 'The certificate does not belong to this thing', 403);
}

function requirePolicy(
  { cloud, iotCore }: GreengrassContext,
  { certificateId }: DeviceCall,
  thingName: string,
  action: string,
  resources: readonly string[],
): void {
  const prefix = `arn:aws:iot:${cloud.region}:${cloud.account}:`;
  for (const resource of resources) {
    const arn = resource === '*' ? resource : `${prefix}${resource}`;
    if (iotCore.allows({ certificateId, thingName }, { action, resource: arn })) continue;
    throw new AwsError('AccessDeniedException', `${action} on ${arn} is not allowed for ${thingName}`, 403);
  }
}
