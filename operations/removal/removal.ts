import { DisableTopicRuleCommand, EnableTopicRuleCommand, type IoTClient } from '@aws-sdk/client-iot';
import {
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  paginateListFunctions,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import { DeleteObjectsCommand, ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import type { OperatorAccess } from '../groups/changeGroup';
import { releasePolicy, removeOwnThings, type RemovedThings } from './certificates';
import { statusOf, unlessMissing } from '../../lib/awsErrors';
import type { PlatformRemoval, PlatformRemovalReport } from '../cores/platform';

export interface RemovalOptions {
  /** Lambda function `createFunction` of the stack: its environment says what functions it makes. */
  createFunction: string;
  /** Whole buckets, or only what the service put into one that it did not make. */
  buckets: readonly { name: string; prefixes?: readonly string[] }[];
  /** Rules that store what cores send. */
  rules?: readonly string[];
  /** Of the platform of the service's cores, where they leave more than that. */
  platform?: PlatformRemoval | undefined;
  progress?: (text: string | undefined) => void;
}

export interface Removal {
  functions: string[];
  /** Objects and versions per bucket. */
  objects: Record<string, number>;
  things: RemovedThings;
  platform: PlatformRemovalReport;
  /** What went wrong and keeps nothing else from being removed. */
  problems: string[];
}

/** What a service keeps below which prefixes, for buckets that it shares. */
export const FUNCTIONS_PREFIXES = ['uploads/', 'packages/', 'results/', 'host/', 'core/', 'logs/'];
export const STATE_PREFIXES = [
  'registry/',
  'groups/',
  'revisions/',
  'requests/',
  'deployments/',
  'status/',
  'failures/',
];

/**
 * Removes what the service made outside of its stack, so that CloudFormation can delete the rest:
 * certificates and things, what the platform of its cores leaves, Lambda functions of `createFunction`, the
 * content of the buckets. Can be run again after a failure.
 *
 * The rules are disabled first: a report that is stored after the buckets were emptied would keep
 * CloudFormation from deleting them. Devices that lose their certificate are cut off within a few minutes
 * only (AWS IoT API reference, UpdateCertificate). After a failure the service has its rules back.
 */
export async function removeService(access: OperatorAccess, options: RemovalOptions): Promise<Removal> {
  const { iot } = access.operator.clients;
  const { rules = [] } = options;
  try {
    const problems = await disableRules(iot, rules);
    return { ...(await removeAll(access, options)), problems };
  } catch (error) {
    await enableRules(iot, rules);
    throw error;
  }
}

async function removeAll(
  access: OperatorAccess,
  options: RemovalOptions,
): Promise<Omit<Removal, 'problems'>> {
  const { iot, lambda, s3 } = access.operator.clients;
  const { corePolicy, corePrefix, devicePolicy } = access.outputs;
  const { platform, progress = () => undefined } = options;
  await platform?.beforeCertificates?.(access, progress);
  progress('removing certificates of cores and devices');
  const things = merged([
    await releasePolicy(iot, corePolicy, corePrefix),
    await releasePolicy(iot, devicePolicy, corePrefix),
    await removeOwnThings(iot, corePrefix),
  ]);
  await platform?.afterThings?.(access, things.things);
  progress('removing functions in the cloud');
  const functions = await removeCloudFunctions(lambda, options.createFunction);
  const objects: Record<string, number> = {};
  for (const { name, prefixes } of options.buckets) {
    progress(`emptying ${name}`);
    objects[name] = await emptyBucket(s3, name, prefixes ?? ['']);
  }
  await platform?.afterBuckets?.(access, progress);
  progress(undefined);
  return { functions, objects, things, platform: platform?.report() ?? { removed: [], warnings: [] } };
}

function merged(all: readonly RemovedThings[]): RemovedThings {
  return {
    certificates: all.flatMap(({ certificates }) => certificates),
    things: all.flatMap(({ things }) => things),
    kept: [...new Set(all.flatMap(({ kept }) => kept))],
  };
}

/**
 * Functions with the prefix and the role that `createFunction` gives to what it makes. The prefix alone
 * could be that of another service, or of a function of this stack.
 */
async function removeCloudFunctions(lambda: LambdaClient, createFunction: string): Promise<string[]> {
  const made = await madeBy(lambda, createFunction);
  if (made === undefined) return [];
  const names: string[] = [];
  for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {})) {
    for (const { FunctionName, Role } of Functions) {
      if (FunctionName?.startsWith(made.prefix) && Role === made.role) names.push(FunctionName);
    }
  }
  for (const FunctionName of names) await lambda.send(new DeleteFunctionCommand({ FunctionName }));
  return names;
}

async function madeBy(
  lambda: LambdaClient,
  FunctionName: string,
): Promise<{ prefix: string; role: string } | undefined> {
  const found = await unlessMissing(lambda.send(new GetFunctionConfigurationCommand({ FunctionName })));
  const variables = found?.Environment?.Variables;
  const prefix = variables?.['EDGE_CLOUD_FUNCTION_PREFIX'];
  const role = variables?.['EDGE_CLOUD_FUNCTION_ROLE_ARN'];
  return prefix && role ? { prefix, role } : undefined;
}

/** Every version and delete marker too: a versioned bucket is not empty before. Resolves with how many. */
async function emptyBucket(s3: S3Client, Bucket: string, prefixes: readonly string[]): Promise<number> {
  let count = 0;
  for (const Prefix of prefixes) {
    for (;;) {
      const page = await listVersions(s3, Bucket, Prefix);
      if (page.length === 0) break;
      const { Errors = [] } = await s3.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects: page, Quiet: true } }),
      );
      const first = Errors[0];
      if (first !== undefined) throw new Error(`${Bucket}/${first.Key}: ${first.Message ?? first.Code}`);
      count += page.length;
    }
  }
  return count;
}

async function listVersions(s3: S3Client, Bucket: string, Prefix: string) {
  const page = await unlessMissing(s3.send(new ListObjectVersionsCommand({ Bucket, Prefix })));
  const { Versions = [], DeleteMarkers = [] } = page ?? {};
  return [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
}

/** Resolves with why a rule could not be disabled. */
async function disableRules(iot: IoTClient, rules: readonly string[]): Promise<string[]> {
  const problems: string[] = [];
  for (const ruleName of rules) {
    try {
      await iot.send(new DisableTopicRuleCommand({ ruleName }));
    } catch (error) {
      if (!isRefused(error)) throw error;
      problems.push(`rule ${ruleName} still stores what cores send: ${(error as Error).message}`);
    }
  }
  return problems;
}

async function enableRules(iot: IoTClient, rules: readonly string[]): Promise<void> {
  for (const ruleName of rules) {
    try {
      await iot.send(new EnableTopicRuleCommand({ ruleName }));
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
  }
}

/**
 * Without the right to it, or deleted by hand: AWS IoT answers both with UnauthorizedException. Source: AWS
 * IoT API reference, DisableTopicRule, which lists no error for a rule that is not there.
 */
function isRefused(error: unknown): boolean {
  return [401, 403, 404].includes(statusOf(error) ?? 0);
}
