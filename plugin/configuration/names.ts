import { createHash } from 'node:crypto';

/** Limits of AWS. */
const MAX_LAMBDA_NAME = 64;
const MAX_BUCKET_NAME = 63;
const MAX_THING_NAME = 128;
const MAX_IOT_NAME = 128;
/** Leaves room for names of functions, which are cut where it does not do. */
const MAX_FUNCTION_PREFIX = 40;
const ACCOUNT_DIGITS = 12;

/**
 * `<name><suffix>`; where that is too long, the name is cut and a hash of the whole takes the place of
 * what is missing, so that two long names do not become the same one.
 */
export function fitted(name: string, suffix: string, maxLength: number): string {
  if (name.length + suffix.length <= maxLength) return `${name}${suffix}`;
  const hash = hashOf(name);
  return `${name.slice(0, maxLength - suffix.length - hash.length - 1)}-${hash}${suffix}`;
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 8);
}

export function lambdaName(stackName: string, functionName: string): string {
  return fitted(stackName, `-${functionName}`, MAX_LAMBDA_NAME);
}

/** Of what `createFunction` makes. */
export function cloudFunctionPrefix(stackName: string): string {
  return fitted(stackName, '-edge-', MAX_FUNCTION_PREFIX);
}

/** Of IoT policies and role aliases. */
export function iotName(stackName: string, suffix: string): string {
  return fitted(stackName, suffix, MAX_IOT_NAME);
}

/** Bucket names are shared by all accounts and regions: both are part of it. A `Fn::Sub`. */
export function bucketName(stackName: string, purpose: string, region: string): unknown {
  const small = stackName.toLowerCase();
  // Buckets have small letters only: `Shop` and `shop` are two services.
  const name = small === stackName ? small : `${small}-${hashOf(stackName)}`;
  const place = ACCOUNT_DIGITS + region.length + '--'.length;
  const fixed = fitted(name, `-edge-${purpose}`, MAX_BUCKET_NAME - place);
  return { 'Fn::Sub': `${fixed}-\${AWS::AccountId}-\${AWS::Region}` };
}

/** Things are shared by all services and stages of an account. */
export function coreThingName(stackName: string, group: string): string {
  return fitted(`${stackName}-${group}`, '-core', MAX_THING_NAME);
}

export function thingGroupName(stackName: string, group: string): string {
  return fitted(`${stackName}-${group}`, '', MAX_THING_NAME);
}
