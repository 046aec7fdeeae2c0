import { AwsError, type CloudContext } from '../../base/context';
import { listen, type HttpServer } from '../../base/http';
import type { Lambda } from '../lambda/types';
import { Api, newId, notFound } from './api';
import { handleRequest, type GatewayOptions } from './handleRequest';
import type { HttpApi } from './types';

export * from './types';

/** Above the limit of the service, so that its own answer is given to most of what is over it. */
const MOST_BODY_BYTES = 16 * 1024 * 1024;

export type HttpApiOptions = Partial<Pick<GatewayOptions, 'now' | 'setTimeout'>>;

/** API Gateway's HTTP APIs; `createApi` starts the listener of one. */
export async function createHttpApi(
  context: CloudContext,
  lambda: Pick<Lambda, 'invokeAsService'>,
  options: HttpApiOptions = {},
): Promise<HttpApi> {
  const gateway: GatewayOptions = { context, lambda, now: Date.now, setTimeout: systemTimeout, ...options };
  const apis = new Map<string, { api: Api; server: HttpServer }>();

  function find(apiId: string): { api: Api; server: HttpServer } {
    const found = apis.get(apiId);
    if (found === undefined) throw notFound(`API ${apiId}`);
    return found;
  }

  function requireDeleted(deleted: boolean, what: string): void {
    if (!deleted) throw notFound(what);
  }

  return {
    async createApi({ name, apiId = newId() }) {
      if (apis.has(apiId)) throw new AwsError('ConflictException', `API ${apiId} already exists`, 409);
      const api = new Api(apiId, name);
      const server = await listen({
        host: context.host,
        maxBodyBytes: MOST_BODY_BYTES,
        log: context.log,
        handle: (request) => handleRequest(gateway, api, request),
      });
      apis.set(apiId, { api, server });
      return { apiId, apiEndpoint: server.url };
    },
    async deleteApi(apiId) {
      const { server } = find(apiId);
      apis.delete(apiId);
      await server.close();
    },
    createIntegration(apiId, props) {
      const integrationId = newId();
      find(apiId).api.putIntegration(integrationId, props);
      return { integrationId };
    },
    updateIntegration(apiId, integrationId, props) {
      const { api } = find(apiId);
      if (!api.integrations.has(integrationId)) throw notFound(`Integration ${integrationId}`);
      api.putIntegration(integrationId, props);
    },
    deleteIntegration: (apiId, integrationId) => find(apiId).api.deleteIntegration(integrationId),
    createRoute(apiId, props) {
      const routeId = newId();
      find(apiId).api.putRoute(routeId, props);
      return { routeId };
    },
    updateRoute(apiId, routeId, props) {
      const { api } = find(apiId);
      if (!api.routes.has(routeId)) throw notFound(`Route ${routeId}`);
      api.putRoute(routeId, props);
    },
    deleteRoute: (apiId, routeId) =>
      requireDeleted(find(apiId).api.routes.delete(routeId), `Route ${routeId}`),
    createStage: (apiId, { stageName }) => void find(apiId).api.stages.add(stageName),
    deleteStage: (apiId, stageName) =>
      requireDeleted(find(apiId).api.stages.delete(stageName), `Stage ${stageName}`),
    endpoint: (apiId) => find(apiId).server.url,
    async close() {
      const servers = [...apis.values()].map(({ server }) => server);
      apis.clear();
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

const systemTimeout: GatewayOptions['setTimeout'] = (callback, ms) => {
  const timer = setTimeout(callback, ms);
  return { cancel: () => clearTimeout(timer) };
};
