import { SYSTEM_FUNCTIONS } from '../../handlers/systemFunctions';
import type { EdgeConfiguration } from '../configuration/configuration';
import { invalid, type Problem } from '../configuration/problems';
import type { ServerlessService } from '../framework';
import { routeKeyOf } from '../resources/httpApi';

/**
 * Throws CONFIG_INVALID where a route of the service is one of a system function. Names of parameters make no
 * difference: the API could not tell `{group}` from `{id}`.
 */
export function requireFreeRoutes(service: ServerlessService, configuration: EdgeConfiguration): void {
  const taken = new Map(
    SYSTEM_FUNCTIONS.flatMap(({ name, trigger: { routes = [] } }) =>
      routes.map((route) => [comparable(routeKeyOf(route, configuration)), name] as const),
    ),
  );
  const problems = routesOfService(service).flatMap(({ path, key }): Problem[] => {
    const owner = taken.get(comparable(key));
    if (owner === undefined) return [];
    return [{ path, text: `found "${key}", the route of system function ${owner}, expected another path` }];
  });
  if (problems.length > 0) throw invalid(problems);
}

function comparable(routeKey: string): string {
  const [method = '', path = ''] = routeKey.trim().split(/\s+/);
  return `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '{}')}`;
}

interface Route {
  path: string;
  key: string;
}

function routesOfService({ functions, resources }: ServerlessService): Route[] {
  const events = Object.entries(functions).flatMap(([name, { events = [] }]) =>
    events.flatMap((event, index): Route[] => {
      const { httpApi } = event as { httpApi?: string | { method?: string; path?: string } };
      if (httpApi === undefined) return [];
      const key = typeof httpApi === 'string' ? httpApi : `${httpApi.method ?? ''} ${httpApi.path ?? ''}`;
      return [{ path: `functions.${name}.events.${index}.httpApi`, key }];
    }),
  );
  const own = Object.entries(resources?.Resources ?? {}).flatMap(([id, { Type, Properties }]): Route[] => {
    const key = Type === 'AWS::ApiGatewayV2::Route' ? Properties?.['RouteKey'] : undefined;
    return typeof key === 'string' ? [{ path: `resources.Resources.${id}`, key }] : [];
  });
  return [...events, ...own];
}
