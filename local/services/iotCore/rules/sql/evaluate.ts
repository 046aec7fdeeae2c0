import { randomUUID } from 'node:crypto';
import { tryParseJson } from '../../../../../lib/json';
import type { RuleComparison, Expression, ComparisonOperator, RuleQuery } from './syntax';

/** A message as a rule sees it. */
export interface RuleMessage {
  topic: string;
  payload: Buffer;
  /** The certificate id of the publisher, or the name of the signed caller. */
  principal: string;
  /** `n/a` when the message did not come over MQTT. */
  clientId: string;
  /** Milliseconds since the epoch. */
  timestamp: number;
}

/**
 * What a query selects from a message: bytes as they came for a plain `SELECT *`, else JSON.
 * Undefined when the query's WHERE does not hold. The topic filter is not looked at.
 */
export function evaluateQuery(query: RuleQuery, message: RuleMessage): Buffer | undefined {
  const scope = createScope(message);
  if (!query.where.every((comparison) => holds(comparison, scope))) return undefined;
  const [first, ...others] = query.select;
  if (first?.expression.kind === 'whole' && first.alias === undefined && others.length === 0) {
    return message.payload;
  }
  const result: Record<string, unknown> = {};
  for (const { expression, alias } of query.select) {
    const value = evaluateIn(expression, scope);
    if (alias !== undefined) assign(result, alias, value);
    else for (const [key, inner] of Object.entries(objectOf(value) ?? {})) assign(result, key, inner);
  }
  return Buffer.from(JSON.stringify(result));
}

/** The value of one expression; undefined where the message has none. */
export function evaluateExpression(expression: Expression, message: RuleMessage): unknown {
  return evaluateIn(expression, createScope(message));
}

interface Scope {
  message: RuleMessage;
  /** The payload as JSON; undefined when it is none. Parsed when first asked for. */
  json(): unknown;
}

function createScope(message: RuleMessage): Scope {
  let parsed: { value: unknown } | undefined;
  return { message, json: () => (parsed ??= { value: tryParseJson(message.payload) }).value };
}

function evaluateIn(expression: Expression, scope: Scope): unknown {
  if (expression.kind === 'literal') return expression.value;
  if (expression.kind === 'whole') return scope.json();
  if (expression.kind === 'field') return fieldOf(scope.json(), expression.path);
  const { topic, principal, clientId, timestamp } = scope.message;
  const [first] = expression.args;
  switch (expression.name) {
    case 'topic':
      return first === undefined ? topic : levelOf(topic, evaluateIn(first, scope));
    case 'principal':
      return principal;
    case 'clientid':
      return clientId;
    case 'timestamp':
      return timestamp;
    case 'newuuid':
      return randomUUID();
    case 'encode':
      return first === undefined ? undefined : bytesOf(first, scope)?.toString('base64');
  }
}

/** Levels are counted from one. */
function levelOf(topic: string, level: unknown): string | undefined {
  return typeof level === 'number' ? topic.split('/')[level - 1] : undefined;
}

/** `*` stands for the bytes as they came, JSON or not. */
function bytesOf(expression: Expression, scope: Scope): Buffer | undefined {
  if (expression.kind === 'whole') return scope.message.payload;
  const value = evaluateIn(expression, scope);
  if (value === undefined) return undefined;
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

function fieldOf(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    const object = objectOf(at);
    if (object === undefined || !Object.hasOwn(object, name)) return undefined;
    at = object[name];
  }
  return at;
}

/** Values of different types are equal to nothing and in no order. */
function holds({ left, operator, right }: RuleComparison, scope: Scope): boolean {
  const [a, b] = [evaluateIn(left, scope), evaluateIn(right, scope)];
  if (a === undefined || b === undefined) return false;
  if (operator === '=') return a === b;
  if (operator === '<>') return a !== b;
  const ordered =
    (typeof a === 'number' && typeof b === 'number') || (typeof a === 'string' && typeof b === 'string');
  return ordered && ORDER[operator](a, b);
}

type Ordered = string | number;
const ORDER: Record<Exclude<ComparisonOperator, '=' | '<>'>, (a: Ordered, b: Ordered) => boolean> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** Defined, not assigned: a payload's `__proto__` is a field like any other. */
function assign(result: Record<string, unknown>, key: string, value: unknown): void {
  if (value === undefined) return;
  Object.defineProperty(result, key, { value, enumerable: true, configurable: true, writable: true });
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
