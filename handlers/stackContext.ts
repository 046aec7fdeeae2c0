import { allow, bucketArn, regionalArn, type Statement } from '../lib/cloudFormation';
import type { CoreKind } from '../protocol';

/** What of the service's stack descriptors may use. `unknown`: a literal, or a function of CloudFormation. */
export interface StackContext {
  functionsBucket: unknown;
  stateBucket: unknown;
  devicePrefix: string;
  corePrefix: string;
  /** Prefix of the Lambda functions that createFunction makes. */
  cloudFunctionPrefix: string;
  /** Days that log groups keep their logs. */
  logRetention: number;
  /** Name on Lambda of a function that the plugin adds to the service. */
  lambdaName: (name: string) => string;
  /** Logical id of a Lambda function of the stack. */
  functionId: (name: string) => string;
  /** URL of the HTTP API. */
  httpUrl: () => unknown;
  /** Names on Lambda of the service's own functions that devices may use in the cloud. */
  cloudFunctions: () => string[];
}

/** Logical id of the role of functions that only write logs: those that createFunction makes. */
export const MADE_FUNCTION_ROLE = 'EdgeCloudFunctionRole';

export const READ = ['s3:GetObject'];
export const WRITE = ['s3:PutObject'];

/**
 * Read by all that ask for functions or groups. In descriptors objects are named by prefix: functions,
 * groups, revisions and uploads come after the stack, so that their names are not known to it.
 */
export const INDEXES = 'registry/*/index.json';
export const DEFINITIONS = 'groups/*/definition.json';

/**
 * Without s3:ListBucket on the whole bucket, S3 answers 403 instead of 404 for a missing key, and a
 * condition on the prefix would not apply to GetObject: it cannot be narrower.
 */
export function allowList(...buckets: unknown[]): Statement {
  return allow(
    ['s3:ListBucket'],
    buckets.map((bucket) => bucketArn(bucket)),
  );
}

/** iot:ListPrincipalThings has no resource type; certificates that a device presents are not known ahead. */
export function allowDeviceDirectory(): Statement[] {
  return [
    allow(['iot:DescribeCertificate'], [regionalArn('iot', 'cert/*')]),
    allow(['iot:ListPrincipalThings'], ['*']),
  ];
}

/**
 * The topic of every core of this service and stage, because groups and their cores may come after the stack.
 */
export function coreTopicArn({ corePrefix }: StackContext, kind: CoreKind): unknown {
  return regionalArn('iot', `topic/${corePrefix}/core/*/${kind}`);
}

/** Lambda functions that createFunction makes, by prefix: their names come with the packages. */
export function madeFunctionsArn({ cloudFunctionPrefix }: StackContext): unknown {
  return regionalArn('lambda', `function:${cloudFunctionPrefix}*`);
}

/** The service's own functions that devices may use in the cloud; a package may name a version or an alias. */
export function cloudFunctionArns({ cloudFunctions }: StackContext): unknown[] {
  return cloudFunctions().flatMap((name) => [
    regionalArn('lambda', `function:${name}`),
    regionalArn('lambda', `function:${name}:*`),
  ]);
}
