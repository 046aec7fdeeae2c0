import { GetCoreDeviceCommand, type GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { EdgeError } from '../../../protocol';
import { mergeOf } from '../../../protocol/greengrass/componentMap';
import { unlessMissing } from '../../../lib/awsErrors';
import { redeploy, type DeployedComponents } from './redeploy';

/** The nucleus that a new node is set up with; it is what a deployment names where nothing else is known. */
export const NUCLEUS_VERSION = '2.15.0';
const NUCLEUS = 'aws.greengrass.Nucleus';
/** 15 seconds by default: a device would wait that long for a function that is a component. */
const POLLING_SECONDS = 1;
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
 * Deploys the core component beside whatever the target has already. Throws CONFLICT when others deploy
 * to it again and again, or when the target is the core of another group.
 */
export async function deployCore(
  client: GreengrassV2Client,
  deployment: CoreDeployment,
): Promise<DeployedCore> {
  const { targetArn, name } = deployment;
  const next = (current: DeployedComponents) => nextComponents(client, current, deployment);
  const { deploymentId = '', isNew } = await redeploy(client, { targetArn, name, next });
  return { deploymentId, isNew };
}

async function nextComponents(
  client: GreengrassV2Client,
  current: DeployedComponents,
  deployment: CoreDeployment,
): Promise<DeployedComponents> {
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
  const groups = [other, group].map((each) => (typeof each === 'string' ? each : JSON.stringify(each)));
  throw new EdgeError('CONFLICT', `${targetArn} has the edge core of group ${groups.join(', not of ')}`, {
    expected: `a core device and target of its own, or a deployment of that target without ${component}`,
    details: { targetArn, groups },
  });
}

/** The one that the device has: a deployment must not change it by the way. */
async function nucleusVersion(client: GreengrassV2Client, coreDeviceThingName: string): Promise<string> {
  const known = await unlessMissing(client.send(new GetCoreDeviceCommand({ coreDeviceThingName })));
  return known?.coreVersion ?? NUCLEUS_VERSION;
}
