import { AwsError } from '../../base/context';
import type { FunctionRecord } from './functionRecord';

/** Throws AwsError ResourceConflictException while a creation or update is under way. */
export function requireIdle({ progress, arn }: FunctionRecord): void {
  if (progress === 'active') return;
  const why =
    progress === 'creating'
      ? 'The function is currently in the following state: Pending'
      : `An update is in progress for resource: ${arn}`;
  throw new AwsError(
    'ResourceConflictException',
    `The operation cannot be performed at this time. ${why}`,
    409,
  );
}

/** Throws AwsError PreconditionFailedException. */
export function requireRevision(current: { revisionId: string }, wanted: string | undefined): void {
  if (wanted === undefined || wanted === current.revisionId) return;
  throw new AwsError(
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
    412,
  );
}
