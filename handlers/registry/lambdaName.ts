import { createHash } from 'node:crypto';

/** https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
const MAX_NAME = 64;
const HASH_DIGITS = 8;

/**
 * Name on Lambda of a function that is made from a package: `<prefix><function>`; where that is too long
 * it is cut, and a hash of the function's name takes the place of the rest, so that no two become one.
 * The prefix stays: policies name functions by it.
 */
export function lambdaNameOf(prefix: string, functionName: string): string {
  const name = `${prefix}${functionName}`;
  if (name.length <= MAX_NAME) return name;
  const hash = createHash('sha256').update(functionName).digest('hex').slice(0, HASH_DIGITS);
  return `${name.slice(0, MAX_NAME - HASH_DIGITS - 1)}-${hash}`;
}
