import { AwsError } from '../../base/context';

/** Errors in the shapes of the service model of Greengrass V2 (client-greengrassv2, models/errors). */

export function invalid(message: string, field?: string): AwsError {
  return new AwsError('ValidationException', message, 400, {
    reason: 'FIELD_VALIDATION_FAILED',
    ...(field !== undefined && { fields: [{ name: field, message }] }),
  });
}

export function notFound(resourceType: string, resourceId: string): AwsError {
  const message = `${resourceType} ${resourceId} does not exist`;
  return new AwsError('ResourceNotFoundException', message, 404, { resourceId, resourceType });
}

export function conflict(message: string, resourceType: string, resourceId: string): AwsError {
  return new AwsError('ConflictException', message, 409, { resourceId, resourceType });
}

export function throttled(operation: string): AwsError {
  return new AwsError('ThrottlingException', 'Rate exceeded', 429, {
    serviceCode: 'greengrass',
    quotaCode: operation,
  });
}
