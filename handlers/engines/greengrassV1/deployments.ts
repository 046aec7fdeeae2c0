import {
  CreateDeploymentCommand,
  GetDeploymentStatusCommand,
  ListDeploymentsCommand,
  type GetDeploymentStatusResponse,
  type GreengrassClient,
} from '@aws-sdk/client-greengrass';
import { allPages } from '../../../lib/pages';
import { isConcurrentDeployment, isUnknownDeployment } from './failures';

export interface GroupDeployment {
  id: string;
  /** Of the group; undefined for a reset. */
  version: string | undefined;
}

/** Deployments of groups. One group has one in flight at most. */
export class GroupDeployments {
  constructor(private readonly client: GreengrassClient) {}

  /** Newest first. */
  async list(groupId: string): Promise<GroupDeployment[]> {
    const all = await allPages(async (token) => {
      const command = new ListDeploymentsCommand({ GroupId: groupId, ...token });
      const page = await this.client.send(command);
      return { items: page.Deployments, NextToken: page.NextToken };
    });
    return all
      .filter(({ DeploymentId }) => DeploymentId !== undefined)
      .sort((a, b) => (b.CreatedAt ?? '').localeCompare(a.CreatedAt ?? ''))
      .map(({ DeploymentId = '', GroupArn = '' }) => ({
        id: DeploymentId,
        version: /\/versions\/([^/]+)$/.exec(GroupArn)?.[1],
      }));
  }

  /** Its id; undefined while another one of the group has not ended. */
  async start(groupId: string, version: string): Promise<string | undefined> {
    try {
      const created = await this.client.send(
        new CreateDeploymentCommand({
          GroupId: groupId,
          GroupVersionId: version,
          DeploymentType: 'NewDeployment',
        }),
      );
      if (created.DeploymentId === undefined) throw new Error(`CreateDeployment of ${groupId} named no id`);
      return created.DeploymentId;
    } catch (error) {
      if (isConcurrentDeployment(error)) return undefined;
      throw error;
    }
  }

  /** Undefined when the group has no such deployment. */
  async status(groupId: string, id: string): Promise<GetDeploymentStatusResponse | undefined> {
    try {
      return await this.client.send(new GetDeploymentStatusCommand({ GroupId: groupId, DeploymentId: id }));
    } catch (error) {
      if (isUnknownDeployment(error)) return undefined;
      throw error;
    }
  }
}

export function isInFlight({ DeploymentStatus }: GetDeploymentStatusResponse): boolean {
  return DeploymentStatus === 'Building' || DeploymentStatus === 'InProgress';
}
