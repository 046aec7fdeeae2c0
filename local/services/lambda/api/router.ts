import { AwsError, type Principal } from '../../../base/context';
import type { HttpRequest, HttpResponse } from '../../../base/http';
import { parseProps } from '../props';
import type { z } from 'zod';

/** A request of the Lambda API whose signature was verified. */
export interface ApiRequest {
  principal: Principal;
  /** Decoded segments of the path. */
  params: Record<string, string>;
  query: URLSearchParams;
  header(name: string): string | undefined;
  body: Buffer;
  /** Throws AwsError InvalidRequestContentException, InvalidParameterValueException. */
  json<S extends z.ZodType>(schema: S): z.output<S>;
}

export interface Operation {
  /** As in the API reference: `CreateFunction`. */
  name: string;
  method: string;
  /** `/2015-03-31/functions/{name}` */
  path: string;
  run(request: ApiRequest): Promise<HttpResponse> | HttpResponse;
}

export interface RoutedOperation {
  operation: Operation;
  params: Record<string, string>;
}

/** Finds the operation that a method and an undecoded path mean. */
export function createRouter(
  operations: readonly Operation[],
): (method: string, path: string) => RoutedOperation | undefined {
  const routes = operations.map((operation) => ({ operation, segments: operation.path.split('/') }));
  return (method, path) => {
    const segments = path.replace(/(?<=.)\/$/, '').split('/');
    for (const route of routes) {
      if (route.operation.method !== method) continue;
      const params = matchSegments(route.segments, segments);
      if (params !== undefined) return { operation: route.operation, params };
    }
    return undefined;
  };
}

function matchSegments(
  pattern: readonly string[],
  actual: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== actual.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const value = actual[index] ?? '';
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name !== undefined && value !== '') params[name] = decode(value);
    else if (part !== value) return undefined;
  }
  return params;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AwsError('InvalidParameterValueException', `not a valid path segment: ${segment}`);
  }
}

export function toApiRequest(
  request: HttpRequest,
  principal: Principal,
  params: Record<string, string>,
): ApiRequest {
  const query = new URLSearchParams(request.url.split('?')[1] ?? '');
  return {
    principal,
    params,
    query,
    header: (name) => [request.headers[name]].flat()[0],
    body: request.body,
    json: (schema) => parseProps(schema, parseJson(request.body)),
  };
}

/** Throws AwsError InvalidRequestContentException. An empty body is an empty object. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (error) {
    throw new AwsError(
      'InvalidRequestContentException',
      `Could not parse request body into json: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
