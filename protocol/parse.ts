import type { z } from 'zod';
import { EdgeError, type ErrorCode } from './errors';

/** A refusal travels to a device: it stays small, whatever the document that is refused. */
const MAX_ISSUES = 10;
const MAX_TEXT = 256;

/**
 * Checks `value` against `schema`. Throws one EdgeError that names the first offending field,
 * what was expected there, and the first ten issues in `details.issues`.
 */
export function parseWith<S extends z.ZodType>(
  schema: S,
  value: unknown,
  what: string,
  code: ErrorCode = 'BAD_REQUEST',
): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, MAX_ISSUES).map((issue) => ({
    field: fieldOf(issue).slice(0, MAX_TEXT),
    expected: expectedOf(issue).slice(0, MAX_TEXT),
  }));
  const first = issues[0] ?? { field: '(whole)', expected: 'a valid document' };
  throw new EdgeError(code, `${what}: ${first.field}: ${first.expected}`, {
    field: first.field,
    expected: first.expected,
    details: { issues },
  });
}

/** An unknown field is named itself, not the object that has it. */
function fieldOf(issue: z.core.$ZodIssue): string {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  return [...issue.path, ...unknown].map(String).join('.') || '(whole)';
}

/** What is wrong with the key of a record, the schema of the key says. */
function expectedOf(issue: z.core.$ZodIssue): string {
  return (issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined) ?? issue.message;
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
