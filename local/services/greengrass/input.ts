import { z } from 'zod';
import { AwsError } from '../../base/context';
import { pageOf, readJsonBody, type Page } from '../../base/rest/input';
import type { RestCall } from '../../base/rest/service';

/** Errors in the shapes of the service model of Greengrass V2 (client-greengrassv2, models/errors). */

export function invalidField(message: string, field?: string): AwsError {
  return new AwsError('ValidationException', message, 400, {
    reason: 'FIELD_VALIDATION_FAILED',
    ...(field !== undefined && { fields: [{ name: field, message }] }),
  });
}

export function missingResource(resourceType: string, resourceId: string): AwsError {
  const message = `${resourceType} ${resourceId} does not exist`;
  return new AwsError('ResourceNotFoundException', message, 404, { resourceId, resourceType });
}

export function conflict(message: string, resourceType: string, resourceId: string): AwsError {
  return new AwsError('ConflictException', message, 409, { resourceId, resourceType });
}

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
export function readInput<S extends z.ZodType>({ body }: { body: Buffer }, schema: S): z.output<S> {
  return readJsonBody(body, schema, 'ValidationException');
}

/** One page; the token is the number of items before it. Throws ValidationException. */
export function pageFor<T>(all: readonly T[], { query }: RestCall): Page<T> {
  const refuse = (field: string, text: string): AwsError =>
    invalidField(`${field} '${text}' is not valid`, field);
  return pageOf(all, query, { most: MOST_RESULTS, strict: true, refuse });
}

/** One of the words of an enumeration. Throws ValidationException. */
export function wordOf<T extends string>(call: RestCall, field: string, words: readonly [T, ...T[]]): T {
  const text = call.query.get(field);
  if (text === null) return words[0];
  const word = words.find((one) => one === text);
  if (word === undefined) throw invalidField(`${field} must be one of ${words.join(', ')}`, field);
  return word;
}

/** Times go over the wire as seconds since the epoch. */
export function seconds(ms: number): number {
  return ms / 1000;
}
