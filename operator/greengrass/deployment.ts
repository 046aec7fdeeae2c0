import {
  CreateDeploymentCommand,
  GetCoreDeviceCommand,
  GetDeploymentCommand,
  ListDeploymentsCommand,
  type ComponentDeploymentSpecification,
  type GetDeploymentResponse,
  type GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import { canonicalJson, EdgeError } from '../../protocol';
import { statusOf } from '../clients';

export type Components = Record<string, ComponentDeploymentSpecification>;

/** The nucleus that a new node is set up with; it is what a deployment names where nothing else is known. */
export const NUCLEUS_VERSION = '2.15.0';
const NUCLEUS = 'aws.greengrass.Nucleus';
/** 15 seconds by default: a device would wait that long for a function that is a component. */
const POLLING_SECONDS = 1;
const MAX_ROUNDS = 5;
/** A merge deletes nothing: rights and settings that are no longer given would stay. */
const WHOLE = [''];

export interface CoreDeployment {
  /** Thing or thing group. */
  targetArn: string;
  name: string;
  /** Thing name of the core device. */
  core: string;
  component: string;
  version: string;
  configuration: Record<string, unknown>;
}

export interface DeployedCore {
  deploymentId: string;
  /** False when the target had all of it already. */
  isNew: boolean;
}

/**
 * Deploys the core component beside whatever the target has already: a deployment replaces the whole map,
 * and uninstalls what it leaves out. The last writer wins there, so this looks whether somebody else wrote
 * meanwhile, and then writes again what both want. Throws CONFLICT after too many rounds.
 */
export async function deployCore(
  client: GreengrassV2Client,
  deployment: CoreDeployment,
): Promise<DeployedCore> {
  const { targetArn } = deployment;
  let base = await latest(client, targetArn);
  let source = base;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const components = await nextComponents(client, source?.components ?? {}, deployment);
    const isThere = base?.deploymentStatus !== 'CANCELED' && isSame(components, base?.components);
    if (base?.deploymentId && isThere) return { deploymentId: base.deploymentId, isNew: round > 0 };
    const { deploymentId } = await client.send(
      new CreateDeploymentCommand({
        ...{ targetArn, components, deploymentName: deployment.name },
        ...(source?.iotJobConfiguration && { iotJobConfiguration: source.iotJobConfiguration }),
        deploymentPolicies: {
          failureHandlingPolicy: 'ROLLBACK',
          componentUpdatePolicy: { action: 'SKIP_NOTIFY_COMPONENTS' },
        },
      }),
    );
    const between = await writtenBetween(client, targetArn, base, deploymentId);
    if (between === undefined && deploymentId !== undefined) return { deploymentId, isNew: true };
    source = between;
    base = await latest(client, targetArn);
  }
  throw new EdgeError('CONFLICT', `others deploy to ${targetArn} again and again`);
}

async function nextComponents(
  client: GreengrassV2Client,
  current: Components,
  deployment: CoreDeployment,
): Promise<Components> {
  const { component, version, configuration, core } = deployment;
  const before = mergeOf(current[component]);
  requireSameGroup(deployment, before['group']);
  // A definition that was deployed meanwhile is not taken back.
  const revision = Math.max(Number(before['revision'] ?? 0), Number(configuration['revision'] ?? 0));
  const nucleus = current[NUCLEUS];
  return {
    ...current,
    [NUCLEUS]: {
      ...(nucleus ?? { componentVersion: await nucleusVersion(client, core) }),
      configurationUpdate: {
        ...nucleus?.configurationUpdate,
        merge: JSON.stringify({ ...mergeOf(nucleus), deploymentPollingFrequencySeconds: POLLING_SECONDS }),
      },
    },
    [component]: {
      ...current[component],
      componentVersion: version,
      configurationUpdate: { merge: JSON.stringify({ ...configuration, revision }), reset: WHOLE },
    },
  };
}

/** One core serves one group: the other's edge would be gone without a word. */
function requireSameGroup(
  { targetArn, component, configuration: { group } }: CoreDeployment,
  other: unknown,
): void {
  if (other === undefined || other === group) return;
  throw new EdgeError(
    'CONFLICT',
    `${targetArn} has the edge core of group ${String(other)}, not of ${String(group)}`,
    {
      expected: `a core device and target of its own, or a deployment of that target without ${component}`,
      details: { targetArn, groups: [String(other), String(group)] },
    },
  );
}

/** The one that the device has: a deployment must not change it by the way. */
async function nucleusVersion(client: GreengrassV2Client, coreDeviceThingName: string): Promise<string> {
  try {
    const { coreVersion } = await client.send(new GetCoreDeviceCommand({ coreDeviceThingName }));
    return coreVersion ?? NUCLEUS_VERSION;
  } catch (error) {
    if (statusOf(error) === 404) return NUCLEUS_VERSION;
    throw error;
  }
}

async function latest(
  client: GreengrassV2Client,
  targetArn: string,
): Promise<GetDeploymentResponse | undefined> {
  const { deployments = [] } = await client.send(
    new ListDeploymentsCommand({ targetArn, historyFilter: 'LATEST_ONLY' }),
  );
  const deploymentId = deployments[0]?.deploymentId;
  return deploymentId === undefined ? undefined : client.send(new GetDeploymentCommand({ deploymentId }));
}

/** The youngest deployment of somebody else since `base`: it knows nothing of ours, or ours nothing of it. */
async function writtenBetween(
  client: GreengrassV2Client,
  targetArn: string,
  base: GetDeploymentResponse | undefined,
  own: string | undefined,
): Promise<GetDeploymentResponse | undefined> {
  const { deployments = [] } = await client.send(
    new ListDeploymentsCommand({ targetArn, historyFilter: 'ALL', maxResults: 20 }),
  );
  const since = Number(base?.revisionId ?? 0);
  const [youngest] = deployments
    .filter(({ deploymentId, revisionId }) => deploymentId !== own && Number(revisionId) > since)
    .sort((a, b) => Number(b.revisionId) - Number(a.revisionId));
  const deploymentId = youngest?.deploymentId;
  return deploymentId === undefined ? undefined : client.send(new GetDeploymentCommand({ deploymentId }));
}

function mergeOf(component: ComponentDeploymentSpecification | undefined): Record<string, unknown> {
  // Greengrass may give back an empty text where nothing is merged.
  return JSON.parse(component?.configurationUpdate?.merge || '{}') as Record<string, unknown>;
}

/** However their configurations are written. */
function isSame(left: Components, right: Components = {}): boolean {
  const comparable = (components: Components) =>
    Object.entries(components).map(([name, component]) => ({
      ...{ name, ...component, configurationUpdate: undefined, merge: mergeOf(component) },
      ...(component.configurationUpdate?.reset?.length && { reset: component.configurationUpdate.reset }),
    }));
  const byName = (components: Components) =>
    comparable(components).sort((a, b) => (a.name < b.name ? -1 : 1));
  return canonicalJson(byName(left)) === canonicalJson(byName(right));
}
