import {
  CancelDeploymentCommand,
  CreateComponentVersionCommand,
  CreateDeploymentCommand,
  GetDeploymentCommand,
  type GreengrassV2Client,
  ListDeploymentsCommand,
  type ComponentDeploymentSpecification,
} from '@aws-sdk/client-greengrassv2';
import {
  coreComponentName,
  functionKey,
  keys,
  wantedFunctions,
  type GroupDefinition,
} from '../../../../protocol';
import { GreengrassEngine } from '../../../../handlers/engines/greengrass/engine';
import { functionOfComponent } from '../../../../handlers/engines/greengrass/components';
import { GREENGRASS } from '../../../../handlers/engines/greengrass/descriptor';
import type { StackContext } from '../../../../handlers/stackContext';
import type { Credentials, PolicyStatement } from '../../../../local/base/context';
import { recipeOf, startRig, type GreengrassRig } from '../../../local/services/greengrass/rig';
import { ACCOUNT, arn, REGION, roleCredentials } from '../../../local/services/iotCore/harness';
import { CORE, manifestOf, plant } from '../../fixtures';
import { MemoryCoreMessages, MemoryDeploymentRecords, PassingClock } from '../../memory/messages';

export const PREFIX = 'edge/shop-dev';
export const BUCKET = 'shop-dev-functions';
export const HOST = 'a'.repeat(64);
export const TARGET = arn(`thing/${CORE}`);
export const CORE_COMPONENT = coreComponentName(PREFIX);

type Components = Record<string, ComponentDeploymentSpecification>;

/**
 * The engine with the permissions that the plugin gives its role, through the SDK's own client, against
 * the control plane of the local cloud; the test reports for the core.
 */
export interface V2World {
  rig: GreengrassRig;
  engine: GreengrassEngine;
  /** As another instance of the Lambda function: it remembers nothing. */
  newEngine(client?: GreengrassV2Client): GreengrassEngine;
  /** Of the role of performDeployment. */
  credentials: Credentials;
  /** Of Greengrass' control plane. */
  url: string;
  records: MemoryDeploymentRecords;
  messages: MemoryCoreMessages;
  clock: PassingClock;
  /** As `sls edge core init` leaves a target: the core component and what `others` adds. */
  initialise(targetArn?: string, others?: Components, configuration?: object): Promise<void>;
  /** Somebody else's deployment of the target. */
  deploy(components: Components, targetArn?: string, name?: string): Promise<string>;
  latest(targetArn?: string): Promise<{ id: string; name: string; components: Components }>;
  deployments(targetArn?: string): Promise<number>;
  /** The packages that the definition wants are in the bucket, as the registry would have them. */
  upload(definition: GroupDefinition): void;
  /** The core takes its next deployment and runs what it brings. */
  complete(): Promise<void>;
  /**
   * The core takes its next deployment, fails with this reason, and goes back to what it ran. A nucleus
   * before 2.8.0 has no types.
   */
  fail(reason: string, errorStack?: string[], errorTypes?: string[]): Promise<void>;
  /** A component ends again and again on the core. */
  breakDown(component: string, details: string): Promise<void>;
  /** Somebody cancels it on Greengrass. */
  cancel(id: string): Promise<void>;
  /** What EventBridge would deliver. */
  events(): unknown[];
  close(): Promise<void>;
}

export async function startV2World(): Promise<V2World> {
  const rig = await startRig();
  rig.objects.set(`${BUCKET}/host/${HOST}.zip`, Buffer.from('host'));
  const credentials = roleCredentials(rig.test, performDeploymentStatements());
  const records = new MemoryDeploymentRecords();
  const messages = new MemoryCoreMessages();
  const clock = new PassingClock();
  const newEngine = (client = rig.clientOf(credentials)): GreengrassEngine =>
    new GreengrassEngine({
      client,
      records,
      notices: messages,
      clock,
      backoff: () => new Promise((next) => setImmediate(next)),
      corePrefix: PREFIX,
      functionsBucket: BUCKET,
      thingArnPrefix: arn('thing/'),
    });
  const core = new ReportingCore(rig);
  const deploy: V2World['deploy'] = async (components, targetArn = TARGET, name = 'by hand') => {
    const input = { targetArn, components, deploymentName: name };
    return (await rig.client.send(new CreateDeploymentCommand(input))).deploymentId ?? '';
  };
  return {
    rig,
    engine: newEngine(),
    newEngine,
    credentials,
    url: await endpointOf(rig.client),
    records,
    messages,
    clock,
    deploy,
    async initialise(targetArn = TARGET, others = {}, configuration = {}) {
      const recipe = Buffer.from(JSON.stringify(recipeOf(CORE_COMPONENT, '0.1.0')));
      await rig.client.send(new CreateComponentVersionCommand({ inlineRecipe: recipe }));
      const merge = JSON.stringify({ group: 'plant', host: HOST, revision: 0, ...configuration });
      const own = { componentVersion: '0.1.0', configurationUpdate: { merge } };
      await deploy({ [CORE_COMPONENT]: own, ...others }, targetArn, 'core init');
    },
    async latest(targetArn = TARGET) {
      const { deployments } = await rig.client.send(new ListDeploymentsCommand({ targetArn }));
      const id = deployments?.[0]?.deploymentId ?? '';
      const found = await rig.client.send(new GetDeploymentCommand({ deploymentId: id }));
      return { id, name: found.deploymentName ?? '', components: found.components ?? {} };
    },
    async deployments(targetArn = TARGET) {
      const found = await rig.client.send(new ListDeploymentsCommand({ targetArn, historyFilter: 'ALL' }));
      return found.deployments?.length ?? 0;
    },
    upload(definition) {
      for (const { manifest } of wantedFunctions(definition)) {
        rig.objects.set(`${BUCKET}/${keys.package(manifest.digest)}`, Buffer.from(manifest.name));
      }
    },
    complete: () => core.complete(),
    fail: (...why) => core.fail(...why),
    breakDown: (component, details) => core.breakDown(component, details),
    async cancel(deploymentId) {
      await rig.client.send(new CancelDeploymentCommand({ deploymentId }));
    },
    events: () => rig.events.map(({ detailType, ...event }) => ({ ...event, 'detail-type': detailType })),
    close: () => rig.close(),
  };
}

/** A definition of `plant` that wants these functions as statics. */
export function wanting(
  revision: number,
  functions: string[],
  more: Partial<GroupDefinition> = {},
): GroupDefinition {
  const named = functions.map((key) => key.split('@') as [string, string]);
  return plant({
    revision,
    engine: { delivery: 'components', seq: 1 },
    statics: Object.fromEntries(named.map(([name, version]) => [name, { version, seq: 1 }])),
    functions: Object.fromEntries(
      named.map(([name, version]) => [`${name}@${version}`, manifestOf(name, version)]),
    ),
    ...more,
  });
}

export function revisionIn(components: Components): unknown {
  const merge = components[CORE_COMPONENT]?.configurationUpdate?.merge ?? '{}';
  return (JSON.parse(merge) as { revision?: unknown }).revision;
}

/** `name@version` of the functions that a map deploys. */
export function functionsIn(components: Components): string[] {
  return Object.entries(components)
    .flatMap(([name, { componentVersion = '' }]) => {
      const found = functionOfComponent(PREFIX, name);
      return found === undefined ? [] : [functionKey(found, componentVersion)];
    })
    .sort();
}

async function endpointOf({ config }: GreengrassV2Client): Promise<string> {
  const endpoint = await config.endpoint?.();
  return `${endpoint?.protocol}//${endpoint?.hostname}:${endpoint?.port}`;
}

interface Waiting {
  deploymentId: string;
  components: Components;
}

/** Speaks for the nucleus on its channel. */
class ReportingCore {
  private running: Components = {};
  private readonly broken = new Map<string, string>();

  constructor(private readonly rig: GreengrassRig) {}

  async complete(): Promise<void> {
    const { deploymentId, components } = await this.next();
    this.running = components;
    await this.report({ deploymentId, status: 'COMPLETED' });
  }

  async fail(
    reason: string,
    errorStack = ['DEPLOYMENT_FAILURE', 'COMPONENT_UPDATE_ERROR'],
    errorTypes = ['USER_COMPONENT_ERROR'],
  ): Promise<void> {
    const { deploymentId } = await this.next();
    const statusDetails = { errorStack, errorTypes };
    await this.report({ deploymentId, status: 'FAILED', reason, statusDetails });
  }

  async breakDown(component: string, details: string): Promise<void> {
    this.broken.set(component, details);
    await this.report();
  }

  private async next(): Promise<Waiting> {
    const { body } = await this.rig.asCore('GET', `/greengrass/v2/local/coreDevices/${CORE}/next?wait=0`);
    const { deployment } = body as { deployment?: Waiting };
    if (deployment === undefined) throw new Error('no deployment waits for the core');
    await this.report({ deploymentId: deployment.deploymentId, status: 'IN_PROGRESS' });
    return deployment;
  }

  private async report(deployment?: object): Promise<void> {
    const installed = Object.entries(this.running).map(([componentName, { componentVersion }]) => ({
      componentName,
      componentVersion,
      lifecycleState: this.broken.has(componentName) ? 'BROKEN' : 'RUNNING',
      lifecycleStateDetails: this.broken.get(componentName),
      isRoot: true,
      changedAt: 0,
    }));
    const about = { coreVersion: '2.14.0', platform: 'linux', architecture: 'amd64', status: 'HEALTHY' };
    const path = `/greengrass/v2/local/coreDevices/${CORE}/status`;
    const { status, body } = await this.rig.asCore('POST', path, {
      core: { ...about, installed },
      deployment,
    });
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
  }
}

/** What this engine adds to the role of performDeployment, with the template's variables filled in. */
function performDeploymentStatements(): PolicyStatement[] {
  const stack: Partial<StackContext> = { corePrefix: PREFIX, functionsBucket: BUCKET, stateBucket: 'state' };
  const statements = GREENGRASS.statements(stack as StackContext);
  return statements.map(({ Effect, Action, Resource }) => ({
    Effect,
    Action,
    Resource: Resource.map(filledIn),
  }));
}

function filledIn(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const { 'Fn::Sub': sub } = resource as { 'Fn::Sub': string | [string, Record<string, string>] };
  const [text, values] = typeof sub === 'string' ? [sub, {}] : sub;
  const all: Record<string, string> = {
    ...values,
    'AWS::Partition': 'aws',
    'AWS::Region': REGION,
    'AWS::AccountId': ACCOUNT,
  };
  return text.replace(/\$\{([^}]+)\}/g, (_whole, name: string) => all[name] ?? name);
}
