import {
  CreateDeploymentCommand,
  GetDeploymentCommand,
  ListDeploymentsCommand,
  type ComponentDeploymentSpecification,
  type GetDeploymentResponse,
  type GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import { EdgeError } from '../../../protocol';
import { sameComponents } from '../../../protocol/greengrass/componentMap';

export type DeployedComponents = Record<string, ComponentDeploymentSpecification>;

const MAX_ROUNDS = 5;

export interface Redeployment {
  /** Thing or thing group. */
  targetArn: string;
  name: string;
  /** The next full map, made from the one that the target has. */
  next: (current: DeployedComponents) => DeployedComponents | Promise<DeployedComponents>;
}

export interface Redeployed {
  /** Undefined for a target that has no deployment and needs none. */
  deploymentId: string | undefined;
  /** False when the target had all of it already. */
  isNew: boolean;
}

/**
 * Changes what is deployed to a target. A deployment replaces the whole map, and uninstalls what it leaves
 * out; the last writer wins. So this looks whether somebody else wrote meanwhile, and then writes again
 * what both want. Throws CONFLICT after too many rounds.
 */
export async function redeploy(
  client: GreengrassV2Client,
  { targetArn, name, next }: Redeployment,
): Promise<Redeployed> {
  let base = await latest(client, targetArn);
  let source = base;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const components = await next(source?.components ?? {});
    const isThere =
      base?.deploymentStatus !== 'CANCELED' && sameComponents(components, base?.components ?? {});
    if (isThere) return { deploymentId: base?.deploymentId, isNew: round > 0 };
    const { deploymentId } = await client.send(
      new CreateDeploymentCommand({
        ...{ targetArn, components, deploymentName: name },
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
