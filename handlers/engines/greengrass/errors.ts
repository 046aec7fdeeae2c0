import { GreengrassServiceException } from '@aws-sdk/client-greengrass';

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
