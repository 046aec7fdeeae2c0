import middy from '@middy/core';
import type { z } from 'zod';
import { EdgeError, type RouteName, type ROUTES } from '../../protocol';
import type { Caller } from '../definitions/access';
import type { Log } from '../ports';
import {
  callerIdentity,
  errorResponse,
  jsonResult,
  requestParsing,
  type EdgeHttpEvent,
  type HttpResult,
} from './httpMiddleware';

type ParametersOf<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParametersOf<Rest>
  : never;

type DocumentOf<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

interface HttpRequest<K extends RouteName> {
  caller: Caller;
  path: Record<ParametersOf<(typeof ROUTES)[K]['path']>, string>;
  query: Record<string, string | undefined>;
  /** Names in lower case. */
  headers: Record<string, string | undefined>;
  document: DocumentOf<(typeof ROUTES)[K]['request']>;
}

interface HttpAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** Absent: no body. */
  body?: unknown;
}

export type RouteHandlers = {
  [K in RouteName]?: (request: HttpRequest<K>) => Promise<HttpAnswer>;
};

/** Wraps a system function behind routes of the HTTP API; errors become `{ error: ErrorBody }`. */
export function httpFunction(coreRoleName: string, log: Log, handlers: RouteHandlers) {
  return middy<EdgeHttpEvent, HttpResult>()
    .use(errorResponse(log))
    .use(callerIdentity(coreRoleName))
    .use(requestParsing())
    .handler((event) => dispatch(event, handlers));
}

async function dispatch(event: EdgeHttpEvent, handlers: RouteHandlers): Promise<HttpResult> {
  const { caller, parsed } = event;
  const handler = parsed && (handlers[parsed.route] as (request: unknown) => Promise<HttpAnswer>);
  if (parsed === undefined || handler === undefined) throw new EdgeError('NOT_FOUND');
  const {
    status = 200,
    headers,
    body,
  } = await handler({
    caller,
    path: parsed.path,
    query: event.queryStringParameters ?? {},
    headers: event.headers,
    document: parsed.document,
  });
  return jsonResult(status, body, headers);
}
