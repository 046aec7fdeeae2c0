import { AwsError } from '../../base/context';
import {
  forgetQualifier,
  newRevisionId,
  requireRevision,
  qualifiedVersion,
  type Alias,
  type FunctionRecord,
} from './functionRecord';
import type { AliasProps } from './types';

/** Throws AwsError ResourceConflictException, ResourceNotFoundException (no such version). */
export function createAlias(record: FunctionRecord, props: AliasProps): Alias {
  if (record.aliases.has(props.Name)) {
    throw new AwsError('ResourceConflictException', `Alias already exists: ${record.arn}:${props.Name}`, 409);
  }
  return putAlias(record, props.Name, props.FunctionVersion, props.Description ?? '');
}

/** Throws AwsError ResourceNotFoundException, PreconditionFailedException. */
export function updateAlias(
  record: FunctionRecord,
  name: string,
  change: {
    FunctionVersion?: string | undefined;
    Description?: string | undefined;
    RevisionId?: string | undefined;
  },
): Alias {
  const current = getAlias(record, name);
  requireRevision(current, change.RevisionId);
  return putAlias(
    record,
    name,
    change.FunctionVersion ?? current.version,
    change.Description ?? current.description,
  );
}

export function getAlias(record: FunctionRecord, name: string): Alias {
  const alias = record.aliases.get(name);
  if (alias !== undefined) return alias;
  throw new AwsError('ResourceNotFoundException', `Cannot find alias arn: ${record.arn}:${name}`, 404);
}

/** Deleting what is not there does nothing. */
export function deleteAlias(record: FunctionRecord, name: string): void {
  if (!record.aliases.delete(name)) return;
  forgetQualifier(record, name);
  record.save();
}

function putAlias(record: FunctionRecord, name: string, version: string, description: string): Alias {
  const alias = {
    name,
    version: qualifiedVersion(record, version).version,
    description,
    revisionId: newRevisionId(),
  };
  record.aliases.set(name, alias);
  record.save();
  return alias;
}
