import {
  ListEffectiveDeploymentsCommand,
  ListInstalledComponentsCommand,
  type EffectiveDeployment,
  type GreengrassV2Client,
  type InstalledComponent,
} from '@aws-sdk/client-greengrassv2';
import { isNotFound } from './awsErrors';

/** A core keeps its latest deployments; an older one than in these pages is of no interest. */
const MAX_PAGES = 10;
const PAGE_SIZE = 100;

/** What core devices report of themselves. Throws what the SDK throws. */
export class CoreDevices {
  constructor(private readonly client: GreengrassV2Client) {}

  /** The first of the core's deployments, the latest first, of which `read` makes something of its name. */
  async fromName<T>(core: string, read: (deploymentName: string) => T | undefined): Promise<T | undefined> {
    const named = await this.effectiveDeployments(
      core,
      (each) => read(each.deploymentName ?? '') !== undefined,
    );
    return named.map(({ deploymentName }) => read(deploymentName ?? '')).find((value) => value !== undefined);
  }

  /** Undefined when the core has not heard of the deployment. */
  async effective(core: string, deploymentId: string): Promise<EffectiveDeployment | undefined> {
    const isIt = (each: EffectiveDeployment): boolean => each.deploymentId === deploymentId;
    return (await this.effectiveDeployments(core, isIt)).find(isIt);
  }

  /** Every component that the core has, also those that it has as dependencies. */
  async installed(core: string): Promise<InstalledComponent[]> {
    return this.pages(async (nextToken) => {
      const answer = await this.client.send(
        new ListInstalledComponentsCommand({
          coreDeviceThingName: core,
          topologyFilter: 'ALL',
          maxResults: PAGE_SIZE,
          nextToken,
        }),
      );
      return { items: answer.installedComponents ?? [], nextToken: answer.nextToken };
    });
  }

  private effectiveDeployments(
    core: string,
    enough: (deployment: EffectiveDeployment) => boolean,
  ): Promise<EffectiveDeployment[]> {
    return this.pages(async (nextToken) => {
      const answer = await this.client.send(
        new ListEffectiveDeploymentsCommand({ coreDeviceThingName: core, maxResults: PAGE_SIZE, nextToken }),
      );
      return { items: answer.effectiveDeployments ?? [], nextToken: answer.nextToken };
    }, enough);
  }

  /** Empty for a core that never reported. */
  private async pages<T>(
    read: (nextToken: string | undefined) => Promise<{ items: T[]; nextToken: string | undefined }>,
    enough: (item: T) => boolean = () => false,
  ): Promise<T[]> {
    const all: T[] = [];
    let token: string | undefined;
    try {
      for (let page = 0; page < MAX_PAGES; page++) {
        const { items, nextToken } = await read(token);
        all.push(...items);
        token = nextToken;
        if (token === undefined || items.some(enough)) break;
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return all;
  }
}
