import { randomUUID } from 'node:crypto';
import { AwsError, type PolicyDocument } from '../../base/context';
import { LATEST, qualifiedVersion, type FunctionRecord, type FunctionPermission } from './functionRecord';
import type { PermissionProps } from './types';

/**
 * The resource policy of a function: one for the unqualified function and one per version and alias,
 * as on AWS, where a permission on the one says nothing about the other.
 */
export function resourcePolicyOf(
  record: FunctionRecord,
  qualifier: string | undefined,
): PolicyDocument | undefined {
  const statements = record.policies.get(qualifier ?? '');
  return statements === undefined || statements.length === 0
    ? undefined
    : { Version: '2012-10-17', Statement: statements };
}

/** Gives the statement. Throws AwsError ResourceConflictException when its id is taken. */
export function addPermission(record: FunctionRecord, permission: PermissionProps): FunctionPermission {
  const { Qualifier: qualifier, StatementId: id = randomUUID() } = permission;
  if (qualifier === LATEST) {
    throw new AwsError(
      'InvalidParameterValueException',
      'We currently do not support adding policies for $LATEST.',
    );
  }
  qualifiedVersion(record, qualifier);
  const statements = record.policies.get(qualifier ?? '') ?? [];
  if (statements.some(({ Sid }) => Sid === id)) {
    throw new AwsError(
      'ResourceConflictException',
      `The statement id (${id}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
      409,
    );
  }
  const conditions = conditionsOf(permission);
  const statement = {
    Sid: id,
    Effect: 'Allow' as const,
    Principal: principalOf(permission.Principal),
    Action: permission.Action,
    Resource: qualifier === undefined ? record.arn : `${record.arn}:${qualifier}`,
    ...(Object.keys(conditions).length > 0 && { Condition: conditions }),
  };
  record.policies.set(qualifier ?? '', [...statements, statement]);
  record.save();
  return statement;
}

/** Throws AwsError ResourceNotFoundException. */
export function removePermission(record: FunctionRecord, id: string, qualifier: string | undefined): void {
  const statements = record.policies.get(qualifier ?? '') ?? [];
  const kept = statements.filter(({ Sid }) => Sid !== id);
  if (kept.length === statements.length) {
    throw new AwsError('ResourceNotFoundException', `Statement ${id} is not found in resource policy.`, 404);
  }
  record.policies.set(qualifier ?? '', kept);
  record.save();
}

function principalOf(principal: string): unknown {
  if (principal === '*') return '*';
  if (/^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/.test(principal)) return { Service: principal };
  if (/^\d{12}$/.test(principal)) return { AWS: `arn:aws:iam::${principal}:root` };
  if (/^arn:aws[a-z-]*:(iam|sts)::\d{12}:/.test(principal)) return { AWS: principal };
  throw new AwsError(
    'InvalidParameterValueException',
    `The provided principal was invalid. Please check the principal and try again. (${principal})`,
  );
}

function conditionsOf({
  SourceArn,
  SourceAccount,
}: PermissionProps): NonNullable<FunctionPermission['Condition']> {
  return {
    ...(SourceArn !== undefined && { ArnLike: { 'AWS:SourceArn': SourceArn } }),
    ...(SourceAccount !== undefined && { StringEquals: { 'AWS:SourceAccount': SourceAccount } }),
  };
}
