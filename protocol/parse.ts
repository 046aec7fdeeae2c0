import type { z } from 'zod';
import { EdgeError, type ErrorCode } from './errors';

/**
 * Checks `value` against `schema`. Throws one EdgeError that names the first offending field,
 * what was expected there, and every issue in `details.issues`.
 */
export function parseWith<S extends z.ZodType>(
  schema: S,
  value: unknown,
  what: string,
  code: ErrorCode = 'BAD_REQUEST',
): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => ({
    field: issue.path.map(String).join('.') || '(whole)',
    expected: issue.message,
  }));
  const first = issues[0] ?? { field: '(whole)', expected: 'a valid document' };
  throw new EdgeError(code, `${what}: ${first.field}: ${first.expected}`, {
    field: first.field,
    expected: first.expected,
    details: { issues },
  });
}

/** Parses JSON text and checks it. Malformed JSON is reported like any other wrong form. */
export function parseJsonWith<S extends z.ZodType>(
  schema: S,
  text: string | Uint8Array,
  what: string,
  code: ErrorCode = 'BAD_REQUEST',
): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(typeof text === 'string' ? text : Buffer.from(text).toString('utf8'));
  } catch {
    throw new EdgeError(code, `${what}: not JSON`, { field: '(whole)', expected: 'a JSON document' });
  }
  return parseWith(schema, value, what, code);
}
