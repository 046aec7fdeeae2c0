import { AwsError, type CloudContext } from '../../base/context';
import { listen, type HttpServer } from '../../base/http';
import { systemClock, type Clock } from '../../../lib/clock';
import type { Lambda } from '../lambda/types';
import { Api, newId, apiNotFound, type IntegrationProps, type RouteProps } from './api';
import { handleRequest, type GatewayOptions } from './handleRequest';

export type { IntegrationProps, RouteProps } from './api';

/** Above the limit of the service, so that its own answer is given to most of what is over it. */
const MOST_BODY_BYTES = 16 * 1024 * 1024;

interface RunningApi {
  api: Api;
  server: HttpServer;
}

/**
 * API Gateway's HTTP APIs on one machine. Each API listens on its own free port. All methods throw
 * AwsError (NotFoundException, BadRequestException, ConflictException).
 */
export class HttpApi {
  readonly #gateway: GatewayOptions;
  readonly #apis = new Map<string, RunningApi>();

  constructor(context: CloudContext, lambda: Pick<Lambda, 'invokeAsService'>, clock: Clock = systemClock) {
    this.#gateway = { context, lambda, clock };
  }

  /** Starts the listener of an API. `apiId` makes the id stable over restarts; otherwise it is random. */
  async createApi({ name, apiId = newId() }: { name: string; apiId?: string }) {
    if (this.#apis.has(apiId)) throw new AwsError('ConflictException', `API ${apiId} already exists`, 409);
    const api = new Api(apiId, name);
    const { host, log } = this.#gateway.context;
    const server = await listen({
      host,
      maxBodyBytes: MOST_BODY_BYTES,
      log,
      handle: (request) => handleRequest(this.#gateway, api, request),
    });
    this.#apis.set(apiId, { api, server });
    return { apiId, apiEndpoint: server.url };
  }

  async deleteApi(apiId: string): Promise<void> {
    const { server } = this.#find(apiId);
    this.#apis.delete(apiId);
    await server.close();
  }

  createIntegration(apiId: string, props: IntegrationProps): { integrationId: string } {
    const integrationId = newId();
    this.#find(apiId).api.putIntegration(integrationId, props);
    return { integrationId };
  }

  updateIntegration(apiId: string, integrationId: string, props: IntegrationProps): void {
    const { api } = this.#find(apiId);
    if (!api.integrations.has(integrationId)) throw apiNotFound(`Integration ${integrationId}`);
    api.putIntegration(integrationId, props);
  }

  deleteIntegration(apiId: string, integrationId: string): void {
    this.#find(apiId).api.deleteIntegration(integrationId);
  }

  createRoute(apiId: string, props: RouteProps): { routeId: string } {
    const routeId = newId();
    this.#find(apiId).api.putRoute(routeId, props);
    return { routeId };
  }

  updateRoute(apiId: string, routeId: string, props: RouteProps): void {
    const { api } = this.#find(apiId);
    if (!api.routes.has(routeId)) throw apiNotFound(`Route ${routeId}`);
    api.putRoute(routeId, props);
  }

  deleteRoute(apiId: string, routeId: string): void {
    if (!this.#find(apiId).api.routes.delete(routeId)) throw apiNotFound(`Route ${routeId}`);
  }

  /** `$default` has no part in the path. */
  createStage(apiId: string, { stageName }: { stageName: string }): void {
    this.#find(apiId).api.stages.add(stageName);
  }

  deleteStage(apiId: string, stageName: string): void {
    if (!this.#find(apiId).api.stages.delete(stageName)) throw apiNotFound(`Stage ${stageName}`);
  }

  /** Where the API listens, without a slash at the end. */
  endpoint(apiId: string): string {
    return this.#find(apiId).server.url;
  }

  async close(): Promise<void> {
    const servers = [...this.#apis.values()].map(({ server }) => server);
    this.#apis.clear();
    await Promise.all(servers.map((server) => server.close()));
  }

  #find(apiId: string): RunningApi {
    const found = this.#apis.get(apiId);
    if (found === undefined) throw apiNotFound(`API ${apiId}`);
    return found;
  }
}
