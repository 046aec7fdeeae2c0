import { GreengrassClient, type GetDeploymentStatusResponse } from '@aws-sdk/client-greengrass';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { EdgeError, parseJsonWith, wantedFunctions, type GroupDefinition } from '../../../protocol';
import { v1FunctionNamesSchema, v1GroupName, v1GroupNamePrefix } from '../../../protocol/greengrassV1';
import { environment } from '../../lambda/environment';
import { THROTTLED, type EnginePorts } from '../descriptor';
import type { Deployment, EngineCapabilities, FunctionFailure } from '../engine';
import { RecordedEngine, type DeploymentProgress } from '../recordedEngine';
import type { V1Function } from './content';
import { DefinitionVersions } from './definitions';
import { type GroupDeployment, GroupDeployments, isInFlight } from './deployments';
import { v1DeploymentError, v1FunctionFailures, greengrassV1Error, Undeliverable } from './failures';
import { functionArn } from './functions';
import { GroupWriter, ownContent } from './groupContent';
import { Groups } from './groups';
import {
  type GreengrassV1Settings,
  publishedSystemFunctions,
  type SystemFunctionArns,
} from './systemFunctions';

export interface GreengrassV1EnginePorts extends EnginePorts {
  client: GreengrassClient;
  /** The edge system functions as versions of Lambda functions. Throws EdgeError when one is missing. */
  systemFunctions(): Promise<SystemFunctionArns>;
}

/**
 * The paper's own engine: AWS IoT Greengrass V1. A group's functions are versions of Lambda functions;
 * a change is a new version of each definition that it touches, a new version of the group and one
 * deployment of it, at which the core restarts. AWS closed Greengrass V1 on 2026-10-07, and its cores
 * run Node 12 at most: for V1-compatible APIs only.
 *
 * One deployment of a group is in flight at a time, and it cannot be cancelled: the next one waits.
 */
export class GreengrassV1Engine extends RecordedEngine<GreengrassV1EnginePorts> {
  readonly name = 'greengrass';
  readonly capabilities: EngineCapabilities = {
    restartScope: 'core',
    history: true,
    concurrency: 'wait',
    deliveries: [],
    targets: [],
    cancel: false,
    follows: true,
  };
  private readonly groups: Groups;
  private readonly versions: DefinitionVersions;
  private readonly deployments: GroupDeployments;
  private readonly writer: GroupWriter;

  constructor(
    ports: GreengrassV1EnginePorts,
    private readonly settings: GreengrassV1Settings,
  ) {
    super(ports);
    this.groups = new Groups(ports.client);
    this.versions = new DefinitionVersions(ports.client);
    this.deployments = new GroupDeployments(ports.client);
    this.writer = new GroupWriter(this.groups, this.versions);
  }

  /** A definition without a core is recorded only: V1 deploys to no group that has none. */
  protected async begin(definition: GroupDefinition): Promise<DeploymentProgress> {
    const { core } = definition;
    if (core === undefined) return { state: 'announced' };
    try {
      requireLambdas(definition);
      return { ...(await this.bring(definition, core.thingName)), core: core.thingName };
    } catch (error) {
      if (!(error instanceof Undeliverable)) throw greengrassV1Error(error);
      return { state: 'failed', error: error.error, failures: error.failures, core: core.thingName };
    }
  }

  private async bring(definition: GroupDefinition, core: string): Promise<DeploymentProgress> {
    const { group, revision } = definition;
    const own = ownContent(definition, await this.ports.systemFunctions(), this.settings);
    const found = await this.writer.bring(this.nameOf(group), own, definition);
    // What changes nothing in the group reaches the core this way alone.
    await this.ports.notices.announce(core, { group, revision });
    const progress = await this.deploy(found.id, found.version ?? '');
    if (progress.state !== 'waiting') await this.settleEarlier(group, revision);
    return progress;
  }

  /** Once this one is under way, none before it waits, nor is another one in flight: their records say so. */
  private async settleEarlier(group: string, revision: number): Promise<void> {
    for (let earlier = revision - 1; earlier > 0; earlier--) {
      const known = await this.recorded(group, earlier);
      if (known?.state === 'waiting') await this.record(group, earlier, { ...known, state: 'superseded' });
      else if (known?.state !== 'inProgress') return;
      // Still: it is this very deployment, and so were those before.
      else if ((await this.status(group, earlier))?.state === 'inProgress') return;
    }
  }

  protected override mayHaveChanged({ state }: Deployment): boolean {
    return state === 'inProgress' || state === 'waiting';
  }

  protected override async follow(deployment: Deployment): Promise<DeploymentProgress | undefined> {
    try {
      return await this.look(deployment);
    } catch (error) {
      throw greengrassV1Error(error);
    }
  }

  private async look(deployment: Deployment): Promise<DeploymentProgress | undefined> {
    const group = await this.groups.find(this.nameOf(deployment.group));
    if (group === undefined) return undefined;
    const { engineId: id, core } = deployment;
    if (id === undefined) return (await this.inFlight(group.id)) === undefined ? undefined : deployment;
    const status = await this.deployments.status(group.id, id);
    if (status === undefined) return undefined;
    return { ...(await this.progress(group.id, id, status)), ...(core !== undefined && { core }) };
  }

  /** Of `Greengrass Deployment Status Change` (AWS IoT Greengrass V1 Developer Guide, "Get deployment notifications"). */
  async groupOf(event: unknown): Promise<string | undefined> {
    const { source, detail } = (event ?? {}) as { source?: unknown; detail?: { 'group-id'?: unknown } };
    const id = detail?.['group-id'];
    if (source !== 'aws.greengrass' || typeof id !== 'string') return undefined;
    const name = await this.groups.nameOf(id);
    const prefix = v1GroupNamePrefix(this.settings.corePrefix);
    return name?.startsWith(prefix) ? name.slice(prefix.length) : undefined;
  }

  private nameOf(group: string): string {
    return v1GroupName(this.settings.corePrefix, group);
  }

  /** Nothing to do when the newest deployment is of this version and did not fail. */
  private async deploy(groupId: string, version: string): Promise<DeploymentProgress> {
    const [newest] = await this.deployments.list(groupId);
    if (newest?.version === version) {
      const status = await this.deployments.status(groupId, newest.id);
      if (status !== undefined && status.DeploymentStatus !== 'Failure') {
        return this.progress(groupId, newest.id, status);
      }
    }
    const started = await this.deployments.start(groupId, version);
    if (started !== undefined) return { state: 'inProgress', engineId: started };
    const inFlight = await this.inFlight(groupId);
    const reason = new EdgeError('CONFLICT', 'another deployment of the group has not ended', {
      details: { ...(inFlight && { deploymentId: inFlight.id }) },
    });
    return { state: 'waiting', error: reason.toJSON() };
  }

  private async inFlight(groupId: string): Promise<GroupDeployment | undefined> {
    const [newest] = await this.deployments.list(groupId);
    const status = newest && (await this.deployments.status(groupId, newest.id));
    return status !== undefined && isInFlight(status) ? newest : undefined;
  }

  private async progress(
    groupId: string,
    engineId: string,
    status: GetDeploymentStatusResponse,
  ): Promise<DeploymentProgress> {
    if (status.DeploymentStatus === 'Success') return { state: 'succeeded', engineId };
    if (status.DeploymentStatus !== 'Failure') return { state: 'inProgress', engineId };
    const error = v1DeploymentError(engineId, status);
    const failures = await this.failuresOf(groupId, engineId, error);
    if (Object.keys(failures).length > 0) return { state: 'failed', engineId, error, failures };
    return { state: 'failed', engineId, error, mayPass: true };
  }

  private async failuresOf(
    groupId: string,
    id: string,
    error: ReturnType<EdgeError['toJSON']>,
  ): Promise<Record<string, FunctionFailure>> {
    const all = await this.deployments.list(groupId);
    const at = all.findIndex((one) => one.id === id);
    const failed = all[at];
    if (failed === undefined) return {};
    return v1FunctionFailures(
      error,
      await this.functionsOf(groupId, failed),
      await this.functionsOf(groupId, await this.lastGood(groupId, all.slice(at + 1))),
    );
  }

  private async lastGood(
    groupId: string,
    earlier: readonly GroupDeployment[],
  ): Promise<GroupDeployment | undefined> {
    for (const one of earlier) {
      const status = await this.deployments.status(groupId, one.id);
      if (status?.DeploymentStatus === 'Success') return one;
    }
    return undefined;
  }

  private async functionsOf(groupId: string, deployment: GroupDeployment | undefined): Promise<V1Function[]> {
    if (deployment?.version === undefined) return [];
    const definitions = await this.groups.definitionsOf(groupId, deployment.version);
    return (await this.versions.read('functions', definitions.FunctionDefinitionVersionArn)).entries;
  }
}

/** With what performDeployment has in its environment. Throws INTERNAL where something is missing. */
export function openGreengrassV1Engine(ports: EnginePorts): GreengrassV1Engine {
  const names = 'EDGE_GREENGRASS_FUNCTIONS';
  const functionNames = parseJsonWith(v1FunctionNamesSchema, environment(names), names, 'INTERNAL');
  return new GreengrassV1Engine(
    {
      ...ports,
      client: new GreengrassClient(THROTTLED),
      systemFunctions: publishedSystemFunctions(new LambdaClient({}), functionNames),
    },
    {
      corePrefix: environment('EDGE_CORE_PREFIX'),
      devicePrefix: environment('EDGE_DEVICE_PREFIX'),
      thingArnPrefix: environment('EDGE_THING_ARN_PREFIX'),
      httpUrl: environment('EDGE_HTTP_URL'),
      logging: { level: 'INFO', spaceKb: 10 * 1024 },
    },
  );
}

/** Throws Undeliverable with the functions that are no version or alias of a Lambda function. */
function requireLambdas(definition: GroupDefinition): void {
  const failures: Record<string, FunctionFailure> = {};
  for (const { key, manifest } of wantedFunctions(definition)) {
    try {
      functionArn(manifest);
    } catch (error) {
      failures[key] = { error: EdgeError.from(error).toJSON() };
    }
  }
  const [first] = Object.values(failures);
  if (first !== undefined) throw new Undeliverable(first.error, failures);
}
