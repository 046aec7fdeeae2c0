import type { z } from 'zod';
import { AwsError } from '../context';

/** The JSON body of a request; none counts as `{}`. Throws `code` naming the first field that is wrong or not supported. */
export function readJsonBody<S extends z.ZodType>(
  body: Buffer,
  schema: S,
  code = 'InvalidRequestException',
): z.output<S> {
  const result = schema.safeParse(parseBody(body, code));
  if (result.success) return result.data;
  throw new AwsError(code, firstProblem(result.error, 'request'));
}

/** `<field>: <what is wrong>` of the first issue; `whole` names what was parsed when the issue has no field. */
export function firstProblem({ issues: [issue] }: z.ZodError, whole: string): string {
  return `${issue?.path.map(String).join('.') || whole}: ${issue?.message ?? 'malformed'}`;
}

function parseBody(body: Buffer, code: string): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new AwsError(code, 'The request body is not JSON');
  }
}

export interface Page<T> {
  items: T[];
  /** The token of the page after this one. */
  next: string | undefined;
}

/** How an operation names and bounds the pages of its list. */
export interface Paging {
  /** Query parameters; `nextToken` and `maxResults` unless told. */
  token?: string;
  size?: string;
  /** Entries of a page, also where the request does not say; 250 unless told. */
  most?: number;
  /** Whether a request for more than `most` is refused; otherwise it gets `most`. */
  strict?: boolean;
  /** The error for a token or a size that is none; InvalidRequestException unless told. */
  refuse?: (parameter: string, text: string) => AwsError;
}

/** One page of a list; the token is the number of entries before it. Throws what `refuse` makes. */
export function pageOf<T>(all: readonly T[], query: URLSearchParams, paging: Paging = {}): Page<T> {
  const { token = 'nextToken', size = 'maxResults', most = 250, strict = false, refuse = invalid } = paging;
  const numberOf = (parameter: string, fallback: number, least: number, limit: number): number => {
    const text = query.get(parameter) ?? '';
    if (text === '') return fallback;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (value < least || value > limit) throw refuse(parameter, text);
    return value;
  };
  const start = numberOf(token, 0, 0, Infinity);
  const end = start + Math.min(numberOf(size, most, 1, strict ? most : Infinity), most);
  return { items: all.slice(start, end), next: end < all.length ? String(end) : undefined };
}

function invalid(_parameter: string, text: string): AwsError {
  return new AwsError('InvalidRequestException', `expected a page size or token, got '${text}'`);
}

/** A path segment without its percent escapes. Throws `code`. */
export function decodeSegment(segment: string, code = 'InvalidRequestException'): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AwsError(code, `not a valid path segment: ${segment}`);
  }
}
