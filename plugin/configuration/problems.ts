import type { z } from 'zod';
import { EdgeError } from '../../protocol';
import { hint } from './nearestName';

/** One thing that is wrong: where, what was found there, what is expected. */
export interface Problem {
  /** `edge.groups.warehouse.devices.0` */
  path: string;
  /** `found "latest", expected an exact semantic version`. */
  text: string;
}

/** One error for all problems, one line each. */
export function invalid(problems: readonly Problem[]): EdgeError {
  const lines = problems.map(({ path, text }) => `${path}: ${text}`);
  const first = problems[0];
  return new EdgeError('CONFIG_INVALID', lines.join('\n'), {
    ...(first === undefined ? {} : { field: first.path }),
    details: { problems: [...problems] },
  });
}

type JsonSchema = Record<string, unknown>;
type Path = readonly PropertyKey[];

/**
 * Every issue as a problem in the user's words; of a thing and a part of it that are wrong, the part. `schema` is the JSON Schema of what was checked: the
 * valid names of unknown keys come from it.
 */
export function problemsOf(
  error: z.ZodError,
  document: unknown,
  root: string,
  schema: JsonSchema,
): Problem[] {
  const problems = error.issues
    .flatMap((issue) => leaves(issue, []))
    .flatMap(({ issue, path }) => describe(issue, path, document, schema))
    .map(({ path, text }) => ({ path: [root, ...path].map(String).join('.'), text }));
  return problems.filter(({ path }) => !problems.some((other) => other.path.startsWith(`${path}.`)));
}

interface Leaf {
  issue: z.core.$ZodIssue;
  path: Path;
}

/** Of a union, the alternative that the value was meant for: the one that it has the right type for. */
function leaves(issue: z.core.$ZodIssue, parent: Path): Leaf[] {
  const path = [...parent, ...issue.path];
  if (issue.code !== 'invalid_union') return [{ issue, path }];
  const meant = issue.errors.find(
    (issues) => issues.length > 0 && !issues.some((each) => each.path.length === 0 && isTypeIssue(each)),
  );
  return meant === undefined ? [{ issue, path }] : meant.flatMap((each) => leaves(each, path));
}

function isTypeIssue({ code }: z.core.$ZodIssue): boolean {
  return code === 'invalid_type' || code === 'invalid_value';
}

function describe(
  issue: z.core.$ZodIssue,
  path: Path,
  document: unknown,
  schema: JsonSchema,
): { path: Path; text: string }[] {
  if (issue.code === 'unrecognized_keys') {
    const valid = keysAt(schema, path, document);
    return issue.keys.map((key) => ({
      path: [...path, key],
      text: `unknown key${hint(key, valid)} (expected one of ${valid.join(', ')})`,
    }));
  }
  const found = issue.code === 'invalid_key' ? quoted(path.at(-1)) : foundAt(document, path);
  return [{ path, text: `found ${found}, expected ${expectedOf(issue)}` }];
}

const TYPES: Record<string, string> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
};

function expectedOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.length === 1
        ? quoted(issue.values[0])
        : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `at most ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_key':
      return withoutVerb(issue.issues[0]?.message ?? issue.message);
    default:
      return withoutVerb(issue.message);
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' elements' : '';
}

function withoutVerb(message: string): string {
  return message.replace(/^expected /, '');
}

/** What is under `environment` may be a secret. */
function foundAt(document: unknown, path: Path): string {
  const value = path.reduce<unknown>(
    (at, key) =>
      at === null || typeof at !== 'object' ? undefined : (at as Record<PropertyKey, unknown>)[key],
    document,
  );
  return path.includes('environment') ? kindOf(value) : quoted(value);
}

const MAX_SHOWN = 60;

export function quoted(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return kindOf(value);
  return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'keys with values';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

/** Names of the keys that the schema allows at a path of a document. */
function keysAt(schema: JsonSchema, path: Path, document: unknown): string[] {
  let value = document;
  let here = alternatives(schema, value);
  for (const key of path) {
    value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
    here = here.flatMap((one) => child(one, key, value));
  }
  return [
    ...new Set(here.flatMap(({ properties }) => Object.keys((properties as JsonSchema | undefined) ?? {}))),
  ];
}

function child(schema: JsonSchema, key: PropertyKey, value: unknown): JsonSchema[] {
  const { properties, additionalProperties, items } = schema as Record<string, JsonSchema | undefined>;
  const next = typeof key === 'number' ? items : (properties?.[String(key)] ?? additionalProperties);
  return typeof next === 'object' ? alternatives(next as JsonSchema, value) : [];
}

function alternatives(schema: JsonSchema, value: unknown): JsonSchema[] {
  const { anyOf, oneOf } = schema as Record<string, JsonSchema[] | undefined>;
  const branches = [...(anyOf ?? []), ...(oneOf ?? [])].filter((branch) => mayDescribe(branch, value));
  return [schema, ...branches.flatMap((branch) => alternatives(branch, value))];
}

/** Of a union that tells its members by a constant, only the member that the value names. */
function mayDescribe({ properties }: JsonSchema, value: unknown): boolean {
  if (value === null || typeof value !== 'object') return true;
  return Object.entries((properties ?? {}) as Record<string, JsonSchema>).every(
    ([key, property]) => !('const' in property) || property['const'] === (value as JsonSchema)[key],
  );
}
