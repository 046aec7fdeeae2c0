import { EdgeError } from '../../../protocol';
import { recipeSchema, type Recipe } from '../../../protocol/greengrass/recipe';
import type { HttpClient } from '../../../edge/cloud/http';
import type { InstalledComponent } from '../../services/greengrass/coreDevices/store';
import type { DeploymentDocument } from '../../services/greengrass/deployments/document';
import type { ComponentSpecification, ExecutionStatus } from '../../services/greengrass/deployments/schema';

/** What waits for this core. */
export interface News {
  /** ARNs of the targets that the core belongs to. */
  targets: string[];
  deployment?: DeploymentDocument;
}

export interface CoreStatus {
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

/** What the nucleus asks the cloud with its certificate; see `local/greengrass/nucleusChannel`. */
export interface CloudChannel {
  /** Resolves when there is a deployment, at the latest after `waitMs`. Throws EdgeError. */
  next(waitMs: number): Promise<News>;
  /** What the deployment is on this core afterwards: what ended stays so. Throws EdgeError. */
  report(status: { core?: CoreStatus; deployment?: DeploymentStatus }): Promise<ExecutionStatus | undefined>;
  /** Of a deployment whose document came without it. Throws EdgeError. */
  configuration(deploymentId: string): Promise<Record<string, ComponentSpecification>>;
  /**
   * The version that meets all requirements (by who asks for it). Throws EdgeError NOT_FOUND,
   * CORE_NOT_AUTHORISED, CLOUD_UNREACHABLE.
   */
  resolve(componentName: string, requirements: Record<string, string>): Promise<Recipe>;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 32 * 1024 * 1024;

export function createChannel(options: { url: string; thingName: string; http: HttpClient }): CloudChannel {
  const { thingName, http } = options;
  const base = options.url.replace(/\/$/, '');
  const core = encodeURIComponent(thingName);

  async function send(method: 'GET' | 'POST', path: string, body?: unknown, waitMs = 0): Promise<unknown> {
    const answer = await http.send({
      method,
      url: new URL(base + path),
      headers: { 'x-amzn-iot-thingname': thingName, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      timeoutMs: TIMEOUT_MS + waitMs,
      maxBytes: MAX_BYTES,
      repeatable: true,
    });
    if (answer.status === 200) return JSON.parse(answer.body.toString('utf8'));
    const message = `${method} ${path} was answered ${answer.status}: ${answer.body.toString('utf8').slice(0, 1_000)}`;
    if (answer.status === 403) throw new EdgeError('CORE_NOT_AUTHORISED', message);
    throw new EdgeError(answer.status === 404 ? 'NOT_FOUND' : 'CLOUD_ERROR', message);
  }

  return {
    next: async (waitMs) =>
      (await send(
        'GET',
        `/greengrass/v2/local/coreDevices/${core}/next?wait=${waitMs}`,
        undefined,
        waitMs,
      )) as News,
    async report(status) {
      const answer = await send('POST', `/greengrass/v2/local/coreDevices/${core}/status`, status);
      return (answer as { deploymentStatus?: ExecutionStatus }).deploymentStatus;
    },
    async configuration(deploymentId) {
      const path = `/greengrass/v2/coreDevices/${core}/deployments/${encodeURIComponent(deploymentId)}`;
      return ((await send('GET', path)) as { components: Record<string, ComponentSpecification> }).components;
    },
    async resolve(componentName, versionRequirements) {
      const candidates = { componentCandidates: [{ componentName, versionRequirements }] };
      const answer = (await send('POST', '/greengrass/v2/resolveComponentCandidates', candidates)) as {
        resolvedComponentVersions: { recipe: string }[];
      };
      const recipe = Buffer.from(answer.resolvedComponentVersions[0]?.recipe ?? '', 'base64').toString(
        'utf8',
      );
      return recipeSchema.parse(JSON.parse(recipe));
    },
  };
}
