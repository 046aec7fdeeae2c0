import { createHash } from 'node:crypto';
import {
  CreateDeploymentCommand,
  GetDeploymentCommand,
  ListDeploymentsCommand,
  type Deployment as DeploymentSummary,
  type DeploymentIoTJobConfiguration,
  type GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import { canonicalJson, EdgeError } from '../../../protocol';
import { isNotFound } from './awsErrors';
import type { Components } from './components';

/** A deployment of a target with what it deploys. */
export interface TargetDeployment {
  id: string;
  /** Rises with every deployment of the target; 0 where there is none. */
  number: number;
  name: string;
  components: Components;
  /** Of a thing group: how the deployment is rolled out to its things. */
  rollOut?: DeploymentIoTJobConfiguration;
  isLatest: boolean;
  /** `ACTIVE`, `COMPLETED`, `CANCELED`, `FAILED`, `INACTIVE`. */
  status: string;
  targetArn: string;
}

export interface NewDeployment {
  targetArn: string;
  name: string;
  components: Components;
  rollOut?: DeploymentIoTJobConfiguration;
  /** The deployment that it is made from: the same call again is the same deployment, from another one it is not. */
  base: TargetDeployment | undefined;
}

/** AWS IoT Greengrass V2: configurations larger than this are refused. Bytes. */
const MAX_DOCUMENT_BYTES = 10 * 1024 * 1024;
const PAGE_SIZE = 100;
/** Deployments of one target that may have come in between two calls of ours, in pages. */
const MAX_PAGES = 20;

/** Deployments by target. Throws what the SDK throws. */
export class TargetDeployments {
  constructor(private readonly client: GreengrassV2Client) {}

  /** Undefined when the target never had one. */
  async latest(targetArn: string): Promise<TargetDeployment | undefined> {
    const id = (await this.latestSummary(targetArn))?.deploymentId;
    return id === undefined ? undefined : this.get(id);
  }

  async get(id: string): Promise<TargetDeployment | undefined> {
    try {
      const found = await this.client.send(new GetDeploymentCommand({ deploymentId: id }));
      return {
        id,
        number: Number(found.revisionId ?? 0),
        name: found.deploymentName ?? '',
        components: found.components ?? {},
        isLatest: found.isLatestForTarget ?? false,
        status: found.deploymentStatus ?? 'ACTIVE',
        targetArn: found.targetArn ?? '',
        ...(found.iotJobConfiguration && { rollOut: found.iotJobConfiguration }),
      };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * Replaces the target's deployment. `ROLLBACK`: a core that fails goes back to what it ran.
   * `SKIP_NOTIFY_COMPONENTS`: none may put the deployment off.
   */
  async create({ targetArn, name, components, rollOut, base }: NewDeployment): Promise<string> {
    const document = JSON.stringify(components);
    if (Buffer.byteLength(document) > MAX_DOCUMENT_BYTES) {
      throw new EdgeError('DEPLOYMENT_FAILED', `the deployment of ${targetArn} is over Greengrass' limit`, {
        expected: `at most ${MAX_DOCUMENT_BYTES} bytes`,
      });
    }
    const created = await this.client.send(
      new CreateDeploymentCommand({
        targetArn,
        deploymentName: name,
        components,
        ...(rollOut && { iotJobConfiguration: rollOut }),
        deploymentPolicies: {
          failureHandlingPolicy: 'ROLLBACK',
          componentUpdatePolicy: { action: 'SKIP_NOTIFY_COMPONENTS' },
        },
        clientToken: clientToken([name, targetArn, base?.id ?? '', canonicalJson(components)]),
      }),
    );
    if (created.deploymentId === undefined) throw new EdgeError('CLOUD_ERROR', 'a deployment without an id');
    return created.deploymentId;
  }

  /**
   * Of the deployments that came after `base`, `own` excepted, the youngest: somebody else made it
   * without knowing of `own`, or `own` was made without knowing of it.
   */
  async youngestForeign(
    targetArn: string,
    base: TargetDeployment | undefined,
    own: ReadonlySet<string>,
  ): Promise<TargetDeployment | undefined> {
    const head = await this.latestSummary(targetArn);
    const before = base?.number ?? 0;
    const ownIsNext = head?.deploymentId !== undefined && own.has(head.deploymentId);
    if (ownIsNext && numberOf(head) === before + 1) return undefined;
    const since = (await this.history(targetArn, base?.id)).filter(
      (each) => numberOf(each) > before && !own.has(each.deploymentId ?? ''),
    );
    const [youngest] = since.sort((a, b) => numberOf(b) - numberOf(a));
    return youngest?.deploymentId === undefined ? undefined : this.get(youngest.deploymentId);
  }

  /** All deployments of the target as far back as `untilId`. */
  private async history(targetArn: string, untilId: string | undefined): Promise<DeploymentSummary[]> {
    const found: DeploymentSummary[] = [];
    let nextToken: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const answer = await this.client.send(
        new ListDeploymentsCommand({ targetArn, historyFilter: 'ALL', maxResults: PAGE_SIZE, nextToken }),
      );
      found.push(...(answer.deployments ?? []));
      nextToken = answer.nextToken;
      if (nextToken === undefined || found.some(({ deploymentId }) => deploymentId === untilId)) break;
    }
    return found;
  }

  private async latestSummary(targetArn: string): Promise<DeploymentSummary | undefined> {
    const answer = await this.client.send(
      new ListDeploymentsCommand({ targetArn, historyFilter: 'LATEST_ONLY' }),
    );
    return answer.deployments?.find((each) => each.isLatestForTarget !== false);
  }
}

function numberOf({ revisionId }: DeploymentSummary): number {
  return Number(revisionId ?? 0);
}

/**
 * At most 64 characters. The token is made from what the call would make, so that the same call makes it
 * once.
 */
function clientToken(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
