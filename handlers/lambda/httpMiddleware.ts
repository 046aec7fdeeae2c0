import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2WithIAMAuthorizer, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import {
  certificateIdSchema,
  digestSchema,
  EdgeError,
  functionNameSchema,
  groupNameSchema,
  MAX_MQTT_PAYLOAD,
  parseJsonWith,
  parseWith,
  ROUTES,
  type RouteName,
} from '../../protocol';
import type { Caller } from '../definitions/access';
import type { Log } from '../ports';

/** What the middlewares add to the event of an HTTP API. */
export type EdgeHttpEvent = APIGatewayProxyEventV2WithIAMAuthorizer & {
  caller?: Caller;
  parsed?: { route: RouteName; path: Record<string, string>; document: unknown };
};

export type HttpResult = APIGatewayProxyStructuredResultV2;

type HttpMiddleware = MiddlewareObj<EdgeHttpEvent, HttpResult>;

/** A device's largest payload, and what the core puts around its input. */
const MAX_BODY_BYTES = MAX_MQTT_PAYLOAD + 1024;

/** Coded errors with their status; of anything else the caller learns only under which id it is logged. */
export function errorResponse(log: Log): HttpMiddleware {
  return {
    onError: (request) => {
      const { awsRequestId } = request.context;
      const error = codedError(request.error, awsRequestId);
      const fields = { error: error.toJSON(), awsRequestId, routeKey: request.event.routeKey };
      if (error.status < 500) log.info(fields, 'refused');
      else log.error({ ...fields, message: request.error?.message, stack: request.error?.stack }, 'failed');
      request.response = jsonResult(error.status, { error: error.toJSON() });
    },
  };
}

function codedError(thrown: Error | null, awsRequestId: string): EdgeError {
  if (thrown instanceof EdgeError) return thrown;
  const code = thrown?.name === 'TimeoutError' ? 'TIMED_OUT' : 'INTERNAL';
  return new EdgeError(code, undefined, { details: { awsRequestId } });
}

const ASSUMED_ROLE = /^arn:[^:]+:sts::\d{12}:assumed-role\/([^/]+)\/([^/]+)$/;

/**
 * Who signed the request: a session of the role that cores get from the credentials provider, whose
 * name is the core's certificate id. Any other role could give its sessions that name.
 */
export function callerIdentity(coreRoleName: string): HttpMiddleware {
  return {
    before: ({ event }) => {
      // A request without IAM authorisation has none, whatever the types say.
      const { authorizer } = event.requestContext as { authorizer?: { iam?: { userArn?: string } } };
      const [, role, session] = ASSUMED_ROLE.exec(authorizer?.iam?.userArn ?? '') ?? [];
      const certificateId = certificateIdSchema.safeParse(session);
      if (role !== coreRoleName || !certificateId.success) {
        throw new EdgeError('CORE_NOT_AUTHORISED', 'the caller is no role session of an edge core');
      }
      event.caller = { certificateId: certificateId.data };
    },
  };
}

/** Path parameters and body, by the schemas of the route. Throws BAD_REQUEST, PAYLOAD_TOO_LARGE, NOT_FOUND. */
export function requestParsing(): HttpMiddleware {
  return {
    before: ({ event }) => {
      const route = routeOf(event.routeKey);
      event.parsed = { route, path: pathOf(route, event), document: documentOf(route, event) };
    },
  };
}

/** The stack puts a prefix before the path, which tells its routes from those of others on the same API. */
function routeOf(routeKey: string): RouteName {
  const found = Object.entries(ROUTES).find(
    ([, { method, path }]) => routeKey.startsWith(`${method} /`) && routeKey.endsWith(path),
  );
  if (found === undefined) throw new EdgeError('NOT_FOUND');
  return found[0] as RouteName;
}

const PATH_PARAMETERS = {
  group: groupNameSchema,
  function: functionNameSchema,
  digest: digestSchema,
  certificateId: certificateIdSchema,
};

function pathOf(route: RouteName, event: EdgeHttpEvent): Record<string, string> {
  const names = [...ROUTES[route].path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  return Object.fromEntries(
    names.map((name) => {
      const schema = PATH_PARAMETERS[name as keyof typeof PATH_PARAMETERS];
      return [name, parseWith(schema, event.pathParameters?.[name], `path parameter "${name}"`)];
    }),
  );
}

function documentOf(route: RouteName, event: EdgeHttpEvent): unknown {
  const schema = ROUTES[route].request;
  if (schema === undefined) return undefined;
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (body.length > MAX_BODY_BYTES) {
    throw new EdgeError('PAYLOAD_TOO_LARGE', undefined, { expected: `at most ${MAX_BODY_BYTES} bytes` });
  }
  return parseJsonWith(schema, body, 'request');
}

export function jsonResult(status: number, body: unknown, headers: Record<string, string> = {}): HttpResult {
  if (body === undefined) return { statusCode: status, headers };
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}
