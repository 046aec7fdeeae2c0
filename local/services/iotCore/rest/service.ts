import { AwsError, type CloudContext, type Principal } from '../../../base/context';
import { jsonErrorResponse, jsonResponse } from '../../../base/http/jsonErrors';
import type { HttpRequest, HttpResponse } from '../../../base/http/server';
import type { Logger } from 'pino';

/** A request to a REST-JSON service after its path was taken apart. */
export interface RestCall {
  /** Decoded `{name}` segments. */
  params: Record<string, string>;
  query: URLSearchParams;
  header(name: string): string | undefined;
  body: Buffer;
  principal: Principal;
}

export interface Permission {
  action: string;
  /** ARN, or `*` for an action without resource-level permissions. */
  resource: string;
}

export interface RestRoute {
  /** `CreateThing` */
  operation: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `/things/{thingName}` */
  path: string;
  /** All are needed. */
  permissions(call: RestCall): Permission[];
  /** Of a success; 200 unless told. */
  status?: number;
  /** What becomes the JSON body; `{}` when undefined. Throws AwsError. */
  handle(call: RestCall): unknown;
  /** Condition keys and policy variables beside the principal's own. */
  conditions?(call: RestCall): Record<string, string>;
}

export interface RestServiceOptions {
  cloud: CloudContext;
  /** As in the signature's scope: `iot`, `iotdata`, `greengrass`. */
  signingName: string;
  routes: readonly RestRoute[];
  log: Logger;
}

/**
 * A handler for `listen()`: finds the route, verifies the signature, asks IAM, answers in AWS's shapes.
 * What no route answers gets UnknownOperationException and a line in the log.
 */
export function createRestService(
  options: RestServiceOptions,
): (request: HttpRequest) => Promise<HttpResponse> {
  const { cloud, signingName, log } = options;
  const routes = options.routes.map((route) => ({ route, segments: route.path.split('/') }));

  async function answer(request: HttpRequest): Promise<HttpResponse> {
    const principal = await cloud.iam.authenticate(request, signingName);
    const { pathname, searchParams } = new URL(request.url, 'http://local');
    for (const { route, segments } of routes) {
      const params = route.method === request.method ? matchPath(segments, pathname) : undefined;
      if (params === undefined) continue;
      const call = { params, query: searchParams, header: headerOf(request), body: request.body, principal };
      for (const { action, resource } of route.permissions(call)) {
        cloud.iam.authorize(principal, action, resource, undefined, route.conditions?.(call));
      }
      log.debug({ operation: route.operation, principal: principal.arn }, 'request');
      return jsonResponse((await route.handle(call)) ?? {}, route.status);
    }
    log.warn({ method: request.method, path: pathname }, `${signingName}: not supported by the local cloud`);
    const what = `${request.method} ${pathname}`;
    throw new AwsError('UnknownOperationException', `${what} is not supported by the local cloud`, 404);
  }

  return (request) => answer(request).catch((error: unknown) => jsonErrorResponse(error, log));
}

/** The decoded parameters, or undefined when the path is another one. */
function matchPath(segments: readonly string[], pathname: string): Record<string, string> | undefined {
  const parts = pathname.split('/');
  if (parts.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? '';
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined ? part !== segment : part === '') return undefined;
    if (name !== undefined) params[name] = decode(part);
  }
  return params;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new AwsError('InvalidRequestException', `not a valid path segment: ${part}`);
  }
}

function headerOf(request: HttpRequest): (name: string) => string | undefined {
  return (name) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(',') : value;
  };
}
