import {
  ConflictException,
  GreengrassV2ServiceException,
  ResourceNotFoundException,
  ServiceQuotaExceededException,
  ValidationException,
} from '@aws-sdk/client-greengrassv2';
import { EdgeError } from '../../../protocol';

export function isNotFound(error: unknown): error is ResourceNotFoundException {
  return error instanceof ResourceNotFoundException;
}

export function isConflict(error: unknown): error is ConflictException {
  return error instanceof ConflictException;
}

/**
 * What Greengrass refused as an EdgeError: DEPLOYMENT_FAILED where the same call would be refused again,
 * else CLOUD_ERROR (throttled beyond the SDK's retries, a fault, a missing permission).
 */
export function greengrassError(error: unknown): unknown {
  if (!(error instanceof GreengrassV2ServiceException)) return error;
  const lasting =
    error instanceof ValidationException ||
    error instanceof ResourceNotFoundException ||
    error instanceof ServiceQuotaExceededException;
  return new EdgeError(lasting ? 'DEPLOYMENT_FAILED' : 'CLOUD_ERROR', `Greengrass: ${error.message}`, {
    details: { name: error.name, status: error.$metadata.httpStatusCode ?? null },
    cause: error,
  });
}
