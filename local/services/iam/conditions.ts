import type { PolicyStatement } from '../../base/context';
import { contextValue, patternOf, substitute, type PolicyContext } from './wildcards';

/** `unknown`: this evaluation cannot decide it, so it must never lead to an Allow. */
export type ConditionOutcome = 'met' | 'notMet' | 'unknown';

type Test = (actual: string, expected: string, context: PolicyContext) => boolean;

const stringEquals: Test = (actual, expected, context) => actual === substitute(expected, context);
const stringLike: Test = (actual, expected, context) => patternOf(expected, context)?.test(actual) ?? false;

/** The six parts of an ARN are compared one by one, so that a wildcard stays within its part. */
const arnLike: Test = (actual, expected, context) => {
  const actualParts = arnParts(actual);
  const expectedParts = arnParts(expected);
  return (
    actualParts.length === expectedParts.length &&
    expectedParts.every((part, index) => stringLike(actualParts[index] ?? '', part, context))
  );
};

const bool: Test = (actual, expected) => actual.toLowerCase() === expected.toLowerCase();

/** ArnEquals takes wildcards too: on AWS it behaves as ArnLike. */
const OPERATORS: Record<string, Test> = {
  StringEquals: stringEquals,
  StringLike: stringLike,
  ArnEquals: arnLike,
  ArnLike: arnLike,
  Bool: bool,
};

const IF_EXISTS = 'IfExists';

/** All operators and all keys must be met; one of a key's values is enough. */
export function evaluateConditions(
  conditions: PolicyStatement['Condition'],
  context: PolicyContext,
  unsupported: (what: string) => void,
): ConditionOutcome {
  let outcome: ConditionOutcome = 'met';
  for (const [operator, keys] of Object.entries(conditions ?? {})) {
    const ifExists = operator.endsWith(IF_EXISTS);
    const name = ifExists ? operator.slice(0, -IF_EXISTS.length) : operator;
    const test = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
    if (test === undefined) {
      unsupported(`condition operator ${operator}`);
      outcome = 'unknown';
      continue;
    }
    const met = Object.entries(keys).every(([key, expected]) => {
      const actual = contextValue(context, key);
      if (actual === undefined) return ifExists;
      return asList(expected).some((value) => asList(actual).some((one) => test(one, value, context)));
    });
    if (!met) return 'notMet';
  }
  return outcome;
}

export function asList<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function arnParts(arn: string): string[] {
  const parts = arn.split(':');
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
}
