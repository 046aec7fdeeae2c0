import { AwsError } from '../../base/context';

/** A route key, taken apart. */
export interface RoutePattern {
  routeKey: string;
  /** `ANY` matches every method; undefined for `$default`. */
  method: string | undefined;
  /** `/groups/{group}`; empty for `$default`. */
  path: string;
  segments: readonly Segment[];
}

type Segment =
  { kind: 'literal'; text: string } | { kind: 'parameter'; name: string } | { kind: 'greedy'; name: string };

export interface PathMatch<R> {
  route: R;
  /** Decoded. */
  pathParameters: Record<string, string>;
}

const METHODS = ['ANY', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];
export const DEFAULT_ROUTE = '$default';

/** Throws AwsError BadRequestException. */
export function parseRouteKey(routeKey: string): RoutePattern {
  if (routeKey === DEFAULT_ROUTE) return { routeKey, method: undefined, path: '', segments: [] };
  const [method = '', path = '', ...rest] = routeKey.split(' ');
  if (!METHODS.includes(method) || !path.startsWith('/') || rest.length > 0) {
    throw new AwsError(
      'BadRequestException',
      `The provided route key is not formatted properly: ${routeKey}`,
    );
  }
  const segments = path
    .slice(1)
    .split('/')
    .map((text) => parseSegment(text, routeKey));
  const greedy = segments.findIndex(({ kind }) => kind === 'greedy');
  if (greedy >= 0 && greedy < segments.length - 1) {
    throw new AwsError('BadRequestException', `A greedy path variable must be the last segment: ${routeKey}`);
  }
  return { routeKey, method, path, segments };
}

function parseSegment(text: string, routeKey: string): Segment {
  const variable = /^\{([a-zA-Z0-9._:-]+)(\+?)\}$/.exec(text);
  if (variable) return { kind: variable[2] === '+' ? 'greedy' : 'parameter', name: variable[1] ?? '' };
  if (/[{}]/.test(text)) {
    throw new AwsError(
      'BadRequestException',
      `The provided route key is not formatted properly: ${routeKey}`,
    );
  }
  return { kind: 'literal', text };
}

/**
 * The most specific route: exact segments before `{parameter}` before `{greedy+}`, a named method before
 * ANY, `$default` last. `path` is undecoded, without query.
 * Source: API Gateway developer guide, "Routing API requests".
 */
export function matchRoute<R extends { pattern: RoutePattern }>(
  routes: Iterable<R>,
  method: string,
  path: string,
): PathMatch<R> | undefined {
  const actual = path.slice(1).split('/');
  let best: PathMatch<R> | undefined;
  for (const route of routes) {
    if (route.pattern.method !== undefined && ![method, 'ANY'].includes(route.pattern.method)) continue;
    const pathParameters = matchSegments(route.pattern, actual);
    if (pathParameters === undefined) continue;
    if (best === undefined || compareSpecificity(route.pattern, best.route.pattern) < 0) {
      best = { route, pathParameters };
    }
  }
  return best;
}

function matchSegments(
  { method, segments }: RoutePattern,
  actual: readonly string[],
): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  if (method === undefined) return parameters;
  const greedy = segments.at(-1)?.kind === 'greedy';
  if (greedy ? actual.length < segments.length : actual.length !== segments.length) return undefined;
  for (const [index, segment] of segments.entries()) {
    const text = actual[index] ?? '';
    if (segment.kind === 'literal') {
      if (segment.text !== decodePath(text)) return undefined;
    } else if (text === '') {
      return undefined;
    } else {
      const value = segment.kind === 'greedy' ? actual.slice(index).join('/') : text;
      parameters[segment.name] = decodePath(value);
    }
  }
  return parameters;
}

const RANK = { literal: 0, parameter: 1, greedy: 2 };
const DEFAULT_RANK = 3;

function compareSpecificity(left: RoutePattern, right: RoutePattern): number {
  const length = Math.max(left.segments.length, right.segments.length, 1);
  for (let index = 0; index < length; index += 1) {
    const difference = rankAt(left, index) - rankAt(right, index);
    if (difference !== 0) return difference;
  }
  return Number(left.method === 'ANY') - Number(right.method === 'ANY');
}

function rankAt({ segments, method }: RoutePattern, index: number): number {
  if (method === undefined) return DEFAULT_RANK;
  const segment = segments[index];
  return segment === undefined ? RANK.greedy : RANK[segment.kind];
}

/** Throws AwsError BadRequestException on a malformed escape. */
export function decodePath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AwsError('BadRequestException', 'Bad Request');
  }
}
