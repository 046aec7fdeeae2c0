import { EdgeError } from '../../../protocol';
import { recipeSchema, type Recipe } from '../../../protocol/greengrass/recipe';
import type { InstalledComponent } from '../../services/greengrass/coreDevices/store';
import type { DeploymentDocument } from '../../services/greengrass/deployments/document';
import type { ComponentSpecification, ExecutionStatus } from '../../services/greengrass/deployments/schema';
import type { DeviceEndpoint } from './deviceEndpoint';

/** What waits for this core. */
export interface News {
  /** ARNs of the targets that the core belongs to. */
  targets: string[];
  deployment?: DeploymentDocument;
}

/** What the nucleus tells of the whole core. */
export interface CoreReport {
  coreVersion: string;
  platform: string;
  architecture: string;
  status: 'HEALTHY' | 'UNHEALTHY';
  installed: InstalledComponent[];
}

export interface DeploymentStatus {
  deploymentId: string;
  status: ExecutionStatus;
  reason?: string;
  statusDetails?: { errorStack: string[]; errorTypes: string[] };
}

const TIMEOUT_MS = 30_000;

/** What the nucleus asks the cloud with its certificate; see `local/services/greengrass/nucleusChannel.ts`. */
export class CloudChannel {
  readonly #core: string;

  constructor(
    private readonly endpoint: DeviceEndpoint,
    thingName: string,
  ) {
    this.#core = encodeURIComponent(thingName);
  }

  /** Resolves when there is a deployment, at the latest after `waitMs`. Throws EdgeError. */
  async next(waitMs: number): Promise<News> {
    const path = `/greengrass/v2/local/coreDevices/${this.#core}/next?wait=${waitMs}`;
    return (await this.#send('GET', path, undefined, waitMs)) as News;
  }

  /** What the deployment is on this core afterwards: what ended stays so. Throws EdgeError. */
  async report(status: {
    core?: CoreReport;
    deployment?: DeploymentStatus;
  }): Promise<ExecutionStatus | undefined> {
    const answer = await this.#send('POST', `/greengrass/v2/local/coreDevices/${this.#core}/status`, status);
    return (answer as { deploymentStatus?: ExecutionStatus }).deploymentStatus;
  }

  /** The components of a deployment whose document came without their configuration. Throws EdgeError. */
  async configuration(deploymentId: string): Promise<Record<string, ComponentSpecification>> {
    const path = `/greengrass/v2/coreDevices/${this.#core}/deployments/${encodeURIComponent(deploymentId)}`;
    const answer = await this.#send('GET', path);
    return (answer as { components: Record<string, ComponentSpecification> }).components;
  }

  /**
   * The version that meets all requirements (by who asks for it). Throws EdgeError NOT_FOUND,
   * CORE_NOT_AUTHORISED, CLOUD_UNREACHABLE.
   */
  async resolve(componentName: string, versionRequirements: Record<string, string>): Promise<Recipe> {
    const answer = (await this.#send('POST', '/greengrass/v2/resolveComponentCandidates', {
      componentCandidates: [{ componentName, versionRequirements }],
    })) as { resolvedComponentVersions: { recipe: string }[] };
    const recipe = Buffer.from(answer.resolvedComponentVersions[0]?.recipe ?? '', 'base64');
    return recipeSchema.parse(JSON.parse(recipe.toString('utf8')));
  }

  async #send(method: 'GET' | 'POST', path: string, body?: unknown, waitMs = 0): Promise<unknown> {
    const { status, text } = await this.endpoint.send(method, path, TIMEOUT_MS + waitMs, body);
    if (status === 200) return JSON.parse(text);
    const message = `${method} ${path} was answered ${status}: ${text.slice(0, 1_000)}`;
    if (status === 403) throw new EdgeError('CORE_NOT_AUTHORISED', message);
    throw new EdgeError(status === 404 ? 'NOT_FOUND' : 'CLOUD_ERROR', message);
  }
}
