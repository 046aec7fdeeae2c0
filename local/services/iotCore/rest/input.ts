import type { z } from 'zod';
import { AwsError } from '../../../base/context';

/** The JSON body of a request. Throws `code` naming the first field that is wrong or not supported. */
export function readJsonBody<S extends z.ZodType>(
  body: Buffer,
  schema: S,
  code = 'InvalidRequestException',
): z.output<S> {
  const result = schema.safeParse(parseJson(body, code));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.map(String).join('.') || 'request';
  throw new AwsError(code, `${where}: ${issue?.message ?? 'malformed'}`);
}

function parseJson(body: Buffer, code: string): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new AwsError(code, 'The request body is not JSON');
  }
}

export interface Page<T> {
  items: T[];
  next: string | undefined;
}

/** One page of a list; the token is the number of items before it. Throws InvalidRequestException. */
export function pageOf<T>(all: readonly T[], token: string | null, size: string | null, most = 250): Page<T> {
  const start = wholeNumber(token, 0);
  const count = Math.min(wholeNumber(size, most), most);
  const end = start + count;
  return { items: all.slice(start, end), next: end < all.length ? String(end) : undefined };
}

function wholeNumber(text: string | null, fallback: number): number {
  if (text === null || text === '') return fallback;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new AwsError('InvalidRequestException', `expected a page size or token, got '${text}'`);
}
