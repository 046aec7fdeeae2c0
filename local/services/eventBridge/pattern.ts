/**
 * Event patterns of EventBridge. Source: Amazon EventBridge User Guide, "Creating event patterns" and
 * "Comparison operators". What is not here (`cidr`, `anything-but` with a nested operator) is refused.
 */
export type Matches = (event: unknown) => boolean;

type Json = Record<string, unknown>;
type ValueTest = (value: unknown) => boolean;

/** Throws a TypeError that names what EventBridge, or this simulation, does not take. */
export function parsePattern(pattern: unknown): Matches {
  if (!isObject(pattern) || Object.keys(pattern).length === 0) {
    throw new TypeError('an event pattern is an object with at least one field');
  }
  return objectTest(pattern, '');
}

function objectTest(pattern: Json, path: string): Matches {
  const tests = Object.entries(pattern).map(([key, wanted]) => {
    const where = path === '' ? key : `${path}.${key}`;
    return key === '$or' ? alternatives(wanted, where) : fieldTest(key, wanted, where);
  });
  return (value) => tests.every((test) => test(value));
}

function alternatives(wanted: unknown, where: string): Matches {
  if (!Array.isArray(wanted) || wanted.length < 2 || !wanted.every(isObject)) {
    throw new TypeError(`${where}: expected a list of two patterns or more`);
  }
  const tests = wanted.map((one) => objectTest(one, where));
  return (value) => tests.some((test) => test(value));
}

function fieldTest(key: string, wanted: unknown, where: string): Matches {
  if (isObject(wanted)) {
    const nested = objectTest(wanted, where);
    return (value) => asList(fieldOf(value, key)).some(nested);
  }
  if (!Array.isArray(wanted) || wanted.length === 0) {
    throw new TypeError(`${where}: expected a list of values, or a nested pattern`);
  }
  const tests = wanted.map((one) => leafTest(one, where));
  return (value) => {
    const found = fieldOf(value, key);
    return tests.some((test) => asList(found).some(test));
  };
}

/** An array matches when one of its elements does; an empty one is like a field that is not there. */
function asList(value: unknown): unknown[] {
  if (!Array.isArray(value)) return [value];
  return value.length === 0 ? [undefined] : (value as unknown[]);
}

function leafTest(wanted: unknown, where: string): ValueTest {
  if (!isObject(wanted)) return literalTest(wanted, where);
  const [operator = '', ...others] = Object.keys(wanted);
  const make = OPERATORS[operator];
  if (make === undefined || others.length > 0) {
    throw new TypeError(`${where}: ${JSON.stringify(wanted)} is not supported by the local cloud`);
  }
  return make(wanted[operator], where);
}

function literalTest(wanted: unknown, where: string): ValueTest {
  if (wanted === null || ['string', 'number', 'boolean'].includes(typeof wanted)) {
    return (value) => value === wanted;
  }
  throw new TypeError(`${where}: expected a string, a number, a boolean or null`);
}

const OPERATORS: Record<string, (argument: unknown, where: string) => ValueTest> = {
  prefix: (argument, where) => ofText(argument, where, (value, text) => value.startsWith(text)),
  suffix: (argument, where) => ofText(argument, where, (value, text) => value.endsWith(text)),
  'equals-ignore-case': (argument, where) =>
    ofText(argument, where, (value, text) => value.toLowerCase() === text.toLowerCase()),
  wildcard: (argument, where) => ofText(argument, where, (value, text) => wildcard(text).test(value)),
  exists(argument, where) {
    if (typeof argument !== 'boolean') throw new TypeError(`${where}: exists is true or false`);
    return (value) => (value !== undefined) === argument;
  },
  'anything-but'(argument, where) {
    const refused = (Array.isArray(argument) ? argument : [argument]) as unknown[];
    const tests = refused.map((one) => literalTest(one, where));
    return (value) => value !== undefined && !tests.some((test) => test(value));
  },
  numeric: numericTest,
};

function ofText(argument: unknown, where: string, test: (value: string, text: string) => boolean): ValueTest {
  if (typeof argument !== 'string' || argument === '') throw new TypeError(`${where}: expected a text`);
  return (value) => typeof value === 'string' && test(value, argument);
}

function wildcard(text: string): RegExp {
  const escaped = text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`, 's');
}

const COMPARISONS: Record<string, (value: number, limit: number) => boolean> = {
  '=': (value, limit) => value === limit,
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
};

function numericTest(argument: unknown, where: string): ValueTest {
  const parts = Array.isArray(argument) ? (argument as unknown[]) : [];
  const tests: ((value: number) => boolean)[] = [];
  for (let at = 0; at < parts.length; at += 2) {
    const compare = COMPARISONS[String(parts[at])];
    const limit = parts[at + 1];
    if (compare === undefined || typeof limit !== 'number') break;
    tests.push((value) => compare(value, limit));
  }
  if (tests.length === 0 || tests.length * 2 !== parts.length) {
    throw new TypeError(`${where}: expected numeric comparisons such as [">", 0, "<=", 5]`);
  }
  return (value) => typeof value === 'number' && tests.every((test) => test(value));
}

function fieldOf(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
