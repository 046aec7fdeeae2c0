import type { Logger } from 'pino';
import { AwsError, type CloudContext, type Principal } from '../context';
import { headerValue, type HttpRequest, type HttpResponse } from '../http';
import { decodeSegment } from './input';
import { jsonErrorResponse, jsonResponse } from './json';

/** A request to a REST-JSON service after its path was taken apart and its signature verified. */
export interface RestCall {
  /** Decoded `{name}` segments. */
  params: Record<string, string>;
  /** The decoded `{name}` segment of the path. */
  param: (name: string) => string;
  query: URLSearchParams;
  header: (name: string) => string | undefined;
  body: Buffer;
  principal: Principal;
}

export interface RestPermission {
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
  permissions: (call: RestCall) => RestPermission[];
  /** Of a success; 200 unless told. */
  status?: number;
  /** What becomes the JSON body, `{}` when undefined; a RestAnswer is sent as it stands. Throws AwsError. */
  handle: (call: RestCall) => unknown;
  /** Condition keys and policy variables beside the principal's own. */
  conditions?: (call: RestCall) => Record<string, string>;
}

/** An answer that is more than JSON with the status of its route. */
export class RestAnswer implements HttpResponse {
  constructor(
    readonly status: number,
    readonly headers: Record<string, string> = {},
    readonly body = '',
  ) {}
}

/** ARNs of what an operation touches. */
type Resources = (call: RestCall) => string | string[];
type Line = `${RestRoute['method']} /${string}`;

/** For an action without resource-level permissions. */
export const ANY_RESOURCE: Resources = () => '*';

/**
 * Makes the routes of a service: `route('GetThing', 'GET /things/{name}', resources, handle)` needs the
 * permission `<service>:GetThing` on each of the resources.
 */
export function routesOf(service: string) {
  return (
    operation: string,
    line: Line,
    resources: Resources,
    handle: RestRoute['handle'],
    more: Partial<RestRoute> = {},
  ): RestRoute => {
    const [method, path] = line.split(' ') as [RestRoute['method'], string];
    const permissions = (call: RestCall): RestPermission[] =>
      [resources(call)].flat().map((resource) => ({ action: `${service}:${operation}`, resource }));
    return { operation, method, path, permissions, handle, ...more };
  };
}

export interface RestServiceOptions {
  cloud: CloudContext;
  /** As in the signature's scope: `iot`, `iotdata`, `greengrass`. */
  signingName: string;
  routes: readonly RestRoute[];
  log: Logger;
  /** The error for a path segment that is none; InvalidRequestException unless told. */
  badPathCode?: string;
  /** The error for what no route answers, `<method> <path>`; UnknownOperationException unless told. */
  unknownOperation?: (what: string) => AwsError;
}

/**
 * A handler for `listen()`: verifies the signature, finds the route, asks IAM, answers in AWS's shapes.
 * What no route answers gets its error and a line in the log.
 */
export function createRestService(
  options: RestServiceOptions,
): (request: HttpRequest) => Promise<HttpResponse> {
  const { cloud, signingName, log, badPathCode, unknownOperation = unknown } = options;
  const routes = options.routes.map((route) => ({ route, segments: route.path.split('/') }));

  async function answer(request: HttpRequest): Promise<HttpResponse> {
    const principal = await cloud.iam.authenticate(request, signingName);
    const { pathname, searchParams: query } = new URL(request.url, 'http://local');
    const parts = pathname.replace(/(?<=.)\/$/, '').split('/');
    for (const { route, segments } of routes) {
      const params = route.method === request.method ? matchPath(segments, parts, badPathCode) : undefined;
      if (params === undefined) continue;
      const call: RestCall = {
        params,
        param: (name) => params[name] ?? '',
        query,
        header: (name) => headerValue(request, name),
        body: request.body,
        principal,
      };
      for (const { action, resource } of route.permissions(call)) {
        cloud.iam.authorize(principal, action, resource, undefined, route.conditions?.(call));
      }
      log.debug({ operation: route.operation, principal: principal.arn }, 'request');
      const result = await route.handle(call);
      return result instanceof RestAnswer ? result : jsonResponse(result ?? {}, route.status);
    }
    log.warn({ method: request.method, path: pathname }, `${signingName}: not supported by the local cloud`);
    throw unknownOperation(`${request.method} ${pathname}`);
  }

  return (request) => answer(request).catch((error: unknown) => jsonErrorResponse(error, log));
}

function unknown(what: string): AwsError {
  return new AwsError('UnknownOperationException', `${what} is not supported by the local cloud`, 404);
}

/** The decoded parameters, or undefined when the path is another one. */
function matchPath(
  segments: readonly string[],
  parts: readonly string[],
  badPathCode?: string,
): Record<string, string> | undefined {
  if (parts.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? '';
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined ? part !== segment : part === '') return undefined;
    if (name !== undefined) params[name] = decodeSegment(part, badPathCode);
  }
  return params;
}
