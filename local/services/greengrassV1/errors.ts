import { AwsError } from '../../base/context';

/** Errors by their names on the wire; Greengrass V1 models only two of them. */
export const idNotFound = (message: string): AwsError => new AwsError('IdNotFoundException', message, 404);
export const versionNotFound = (message: string): AwsError =>
  new AwsError('VersionNotFoundException', message, 404);
export const resourceNotFound = (message: string): AwsError =>
  new AwsError('ResourceNotFoundException', message, 404);
export const invalidInput = (message: string): AwsError => new AwsError('InvalidInputException', message);
export const invalidDefinition = (noun: string, details: readonly string[]): AwsError =>
  new AwsError(
    'InvalidContainerDefinitionException',
    `The ${noun} definition is invalid or corrupted. (ErrorDetails: [${details.join(', ')}])`,
  );
