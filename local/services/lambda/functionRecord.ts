import { randomUUID } from 'node:crypto';
import { canonicalJson } from '../../../protocol';
import { AwsError } from '../../base/context';
import type { FunctionCode } from './code';
import type { ParsedEventInvokeConfig } from './props';
import type { FunctionSettings } from './settings';

export const LATEST = '$LATEST';

/** Code and settings at one moment: `$LATEST` as it is now, or a published version. Immutable. */
export interface FunctionVersion {
  functionName: string;
  version: string;
  description: string;
  settings: FunctionSettings;
  code: FunctionCode;
  revisionId: string;
  /** Milliseconds since the epoch. */
  modifiedAt: number;
}

export interface Alias {
  name: string;
  version: string;
  description: string;
  revisionId: string;
}

export type FunctionProgress = 'active' | 'creating' | 'updating';

/** A statement of a resource policy. */
export interface FunctionPermission {
  Sid: string;
  Effect: 'Allow';
  Principal: unknown;
  Action: string;
  Resource: string;
  Condition?: Record<string, Record<string, string>> | undefined;
}

export interface FunctionRecord {
  readonly name: string;
  readonly arn: string;
  /** The stack that made it. */
  readonly stackName: string | undefined;
  /** What the API reports as `$LATEST`. */
  latest: FunctionVersion;
  /** What runs as `$LATEST`: the one before, while an update is in progress. */
  serving: FunctionVersion;
  progress: FunctionProgress;
  /** Resolves when no creation or update is under way. */
  settled: Promise<void>;
  readonly versions: FunctionVersion[];
  /** Numbers are never given twice, also not after a version was deleted. */
  lastVersion: number;
  readonly aliases: Map<string, Alias>;
  /** By qualifier; '' is the unqualified function. */
  readonly policies: Map<string, FunctionPermission[]>;
  readonly eventInvokeConfigs: Map<string, ParsedEventInvokeConfig>;
  /** After every change of what is above, so that it outlives the process. */
  save: () => void;
}

export interface RecordOptions {
  stackName?: string | undefined;
  save: (record: FunctionRecord) => void;
}

/** A function that is active with this code and nothing else. */
export function newRecord(
  arn: string,
  latest: FunctionVersion,
  { stackName, save }: RecordOptions,
): FunctionRecord {
  const record: FunctionRecord = {
    name: latest.functionName,
    arn,
    stackName,
    latest,
    serving: latest,
    progress: 'active',
    settled: Promise.resolve(),
    versions: [],
    lastVersion: 0,
    aliases: new Map(),
    policies: new Map(),
    eventInvokeConfigs: new Map(),
    save: () => save(record),
  };
  return record;
}

/** The code of every version. */
export function codeOf({ latest, versions }: FunctionRecord): FunctionCode[] {
  return [latest, ...versions].map(({ code }) => code);
}

/** What was attached to a version or an alias goes with it. */
export function forgetQualifier(record: FunctionRecord, qualifier: string): void {
  record.policies.delete(qualifier);
  record.eventInvokeConfigs.delete(qualifier);
}

export function sameContent(left: FunctionVersion, right: FunctionVersion): boolean {
  return (
    left.code.sha256 === right.code.sha256 && canonicalJson(left.settings) === canonicalJson(right.settings)
  );
}

export function newRevisionId(): string {
  return randomUUID();
}

/** The version that a qualifier means. Throws AwsError ResourceNotFoundException. */
export function qualifiedVersion(
  record: FunctionRecord,
  qualifier: string | undefined,
  latest = record.serving,
): FunctionVersion {
  if (qualifier === undefined || qualifier === LATEST) return latest;
  const wanted = record.aliases.get(qualifier)?.version ?? qualifier;
  if (wanted === LATEST) return latest;
  const found = record.versions.find(({ version }) => version === wanted);
  if (found === undefined) throw functionNotFound(`${record.arn}:${qualifier}`);
  return found;
}

export function functionNotFound(arn: string): AwsError {
  return new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404);
}

/** Throws AwsError ResourceConflictException while a function is being created. */
export function requireInvocable({ progress }: FunctionRecord): void {
  if (progress !== 'creating') return;
  throw new AwsError(
    'ResourceConflictException',
    'The operation cannot be performed at this time. The function is currently in the following state: Pending',
    409,
  );
}

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
