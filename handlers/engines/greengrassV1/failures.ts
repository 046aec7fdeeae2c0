import type { GetDeploymentStatusResponse } from '@aws-sdk/client-greengrass';
import { EdgeError, splitFunctionKey, type ErrorBody } from '../../../protocol';
import type { FunctionFailure } from '../engine';
import type { V1Function } from './content';
import { keyOfEntry } from './functions';

/** What Greengrass says of a deployment that failed. */
export function deploymentError(
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
export function functionFailures(
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

/** Not as the beginning of another ARN: version 1 is not version 12. */
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
