import { z } from 'zod';
import { readJsonBody, type Page } from '../../base/rest/input';
import type { RestCall } from '../../base/rest/service';
import { invalid } from './errors';

/** Limits of the service model: TagMap, ClientTokenString, DefaultMaxResults. */
export const tagsSchema = z
  .record(
    z
      .string()
      .max(128)
      .regex(/^(?!aws:)[a-zA-Z+-=._:/]+$/),
    z.string().max(256),
  )
  .refine((tags) => Object.keys(tags).length <= 200, { error: 'at most 200 tags' });
export const clientTokenSchema = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[!-~]*$/);

const MOST_RESULTS = 100;

/** Throws ValidationException naming the first field that is wrong or not supported. */
export function readInput<S extends z.ZodType>(call: RestCall, schema: S): z.output<S> {
  return readJsonBody(call.body, schema, 'ValidationException');
}

/** One page; the token is the number of items before it. Throws ValidationException. */
export function pageOf<T>(all: readonly T[], { query }: RestCall): Page<T> {
  const start = numberOf(query.get('nextToken'), 0, 'nextToken', 0);
  const count = numberOf(query.get('maxResults'), MOST_RESULTS, 'maxResults', 1, MOST_RESULTS);
  const end = start + count;
  return { items: all.slice(start, end), next: end < all.length ? String(end) : undefined };
}

function numberOf(text: string | null, fallback: number, field: string, low: number, high = 1e9): number {
  if (text === null) return fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (value < low || value > high) throw invalid(`${field} '${text}' is not valid`, field);
  return value;
}

/** One of the words of an enumeration. Throws ValidationException. */
export function wordOf<T extends string>(
  call: RestCall,
  field: string,
  words: readonly [T, ...T[]],
  fallback = words[0],
): T {
  const text = call.query.get(field);
  if (text === null) return fallback;
  const word = words.find((one) => one === text);
  if (word === undefined) throw invalid(`${field} must be one of ${words.join(', ')}`, field);
  return word;
}

/** Times go over the wire as seconds since the epoch. */
export function seconds(ms: number): number {
  return ms / 1000;
}
