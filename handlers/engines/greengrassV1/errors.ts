import { GreengrassServiceException } from '@aws-sdk/client-greengrass';
import { EdgeError } from '../../../protocol';

/**
 * The model of Greengrass V1 names two errors; the service answers with others too, which arrive as
 * GreengrassServiceException with the name that it gave them.
 */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof GreengrassServiceException)) return false;
  if (error.$metadata.httpStatusCode === 404) return true;
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
export function greengrassError(error: unknown): unknown {
  if (!(error instanceof GreengrassServiceException)) return error;
  const code = LASTING.test(error.name) ? 'DEPLOYMENT_FAILED' : 'CLOUD_ERROR';
  return new EdgeError(code, `Greengrass: ${error.message}`, {
    details: { name: error.name, status: error.$metadata.httpStatusCode ?? null },
    cause: error,
  });
}
