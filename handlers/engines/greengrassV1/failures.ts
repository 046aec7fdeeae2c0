import { GreengrassServiceException, type GetDeploymentStatusResponse } from '@aws-sdk/client-greengrass';
import { statusOf } from '../../../lib/awsErrors';
import { EdgeError, splitFunctionKey, type ErrorBody } from '../../../protocol';
import type { FunctionFailure } from '../engine';
import type { V1Function } from './content';
import { keyOfEntry } from './functions';

/** A deployment that cannot be because of these functions; without them it can. */
export class Undeliverable extends Error {
  constructor(
    readonly error: ErrorBody,
    readonly failures: Record<string, FunctionFailure>,
  ) {
    super(error.message);
  }
}

/**
 * The model of Greengrass V1 names two errors; the service answers with others too, which arrive as
 * GreengrassServiceException with the name that it gave them.
 */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof GreengrassServiceException)) return false;
  if (statusOf(error) === 404) return true;
  return /^(IdNotFound|VersionNotFound|ResourceNotFound)/.test(error.name);
}

/** Another deployment of the group has not ended. */
export function isConcurrentDeployment(error: unknown): boolean {
  if (!(error instanceof GreengrassServiceException)) return false;
  return /ConcurrentDeployment/i.test(`${error.name} ${error.message}`);
}

/** Of a deployment that is asked for by an id that the group does not have. */
export function isUnknownDeployment(error: unknown): boolean {
  return (
    isMissing(error) ||
    (error instanceof GreengrassServiceException && error.name === 'InvalidInputException')
  );
}

const LASTING = /^(BadRequest|InvalidContainerDefinition|InvalidInput|MissingCore)/;

/**
 * What Greengrass refused as an EdgeError: DEPLOYMENT_FAILED where the same call would be refused again,
 * else CLOUD_ERROR (throttled beyond the SDK's retries, a fault, a missing permission).
 */
export function greengrassV1Error(error: unknown): unknown {
  if (!(error instanceof GreengrassServiceException)) return error;
  const code = LASTING.test(error.name) ? 'DEPLOYMENT_FAILED' : 'CLOUD_ERROR';
  return new EdgeError(code, `Greengrass: ${error.message}`, {
    details: { name: error.name, status: statusOf(error) ?? null },
    cause: error,
  });
}

/** What Greengrass says of a deployment that failed. */
export function v1DeploymentError(
  deploymentId: string,
  { ErrorMessage, ErrorDetails = [] }: GetDeploymentStatusResponse,
): ErrorBody {
  const reasons = ErrorDetails.map(({ DetailedErrorCode, DetailedErrorMessage }) =>
    [DetailedErrorCode, DetailedErrorMessage].filter(Boolean).join(': '),
  );
  const message = [ErrorMessage, ...reasons].filter(Boolean).join('; ') || 'the deployment failed';
  return new EdgeError('DEPLOYMENT_FAILED', `Greengrass: ${message}`, { details: { deploymentId } }).toJSON();
}

/** Reasons that lie in the account or in the service: every deployment fails with them, whatever its functions. */
const NOT_OF_FUNCTIONS = /service role|security token|having a problem right now|not authorized to assume/i;

/**
 * The functions that a failed deployment did not bring. A V1 deployment succeeds or fails as a whole, and
 * every later one would fail with it: where the message names functions, it is those, else all that the
 * deployment added to what ran before.
 */
export function v1FunctionFailures(
  error: ErrorBody,
  deployed: readonly V1Function[],
  ranBefore: readonly V1Function[],
): Record<string, FunctionFailure> {
  if (NOT_OF_FUNCTIONS.test(error.message)) return {};
  const before = new Set(ranBefore.map(({ FunctionArn }) => FunctionArn));
  const named = deployed.filter(({ FunctionArn }) => isNamed(error.message, FunctionArn));
  const blamed = named.length > 0 ? named : deployed.filter(({ FunctionArn }) => !before.has(FunctionArn));
  // A system function, or one of the user, is nothing that a rollback could take away.
  const failed = blamed.filter((entry) => keyOfEntry(entry) !== undefined);
  return Object.fromEntries(
    failed.map((entry) => {
      const key = keyOfEntry(entry) ?? '';
      const running = runningVersion(key, ranBefore, failed);
      return [key, { error, ...(running !== undefined && { running }) }];
    }),
  );
}

/** Matches no other ARN that begins the same: version 1 is not version 12. */
function isNamed(message: string, arn: string | undefined): boolean {
  const at = arn === undefined ? -1 : message.indexOf(arn);
  return at >= 0 && !/[\w-]/.test(message[at + (arn?.length ?? 0)] ?? '');
}

/** The core goes on with what it had: another version of the function, if there was one. */
function runningVersion(
  key: string,
  ranBefore: readonly V1Function[],
  failed: readonly V1Function[],
): string | undefined {
  const failedKeys = new Set(failed.map(keyOfEntry));
  return ranBefore
    .flatMap((entry) => keyOfEntry(entry) ?? [])
    .filter((other) => !failedKeys.has(other))
    .map(splitFunctionKey)
    .find(({ name }) => name === splitFunctionKey(key).name)?.version;
}
