import { randomUUID } from 'node:crypto';
import { canonicalJson } from '../../../protocol';
import { AwsError } from '../../base/context';
import type { FunctionCode } from './code';
import type { ParsedEventInvokeConfig } from './props';
import type { AliasConfiguration, FunctionConfiguration } from './types';

export const LATEST = '$LATEST';

/** What a version fixes, besides its code. */
export interface FunctionSettings {
  role: string;
  handler: string;
  runtime: string;
  timeoutSeconds: number;
  memoryMiB: number;
  environment: Record<string, string>;
  reservedConcurrency?: number | undefined;
  logGroup?: string | undefined;
}

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

export type Progress = 'active' | 'creating' | 'updating';

/** A statement of a resource policy. */
export interface Permission {
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
  progress: Progress;
  /** Resolves when no creation or update is under way. */
  settled: Promise<void>;
  readonly versions: FunctionVersion[];
  /** Numbers are never given twice, also not after a version was deleted. */
  lastVersion: number;
  readonly aliases: Map<string, Alias>;
  /** By qualifier; '' is the unqualified function. */
  readonly policies: Map<string, Permission[]>;
  readonly eventInvokeConfigs: Map<string, ParsedEventInvokeConfig>;
  /** After every change of what is above, so that it outlives the process. */
  save(): void;
}

export interface RecordOptions {
  stackName?: string | undefined;
  save(record: FunctionRecord): void;
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
export function resolveVersion(
  record: FunctionRecord,
  qualifier: string | undefined,
  latest = record.serving,
): FunctionVersion {
  if (qualifier === undefined || qualifier === LATEST) return latest;
  const wanted = record.aliases.get(qualifier)?.version ?? qualifier;
  if (wanted === LATEST) return latest;
  const found = record.versions.find(({ version }) => version === wanted);
  if (found === undefined) throw notFound(`${record.arn}:${qualifier}`);
  return found;
}

export function notFound(arn: string): AwsError {
  return new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404);
}

function describeVersion(
  record: FunctionRecord,
  version: FunctionVersion,
  arn: string,
): FunctionConfiguration {
  const { settings, code } = version;
  return {
    FunctionName: record.name,
    FunctionArn: arn,
    Runtime: settings.runtime,
    Role: settings.role,
    Handler: settings.handler,
    CodeSize: code.size,
    Description: version.description,
    Timeout: settings.timeoutSeconds,
    MemorySize: settings.memoryMiB,
    LastModified: new Date(version.modifiedAt).toISOString().replace('Z', '+0000'),
    CodeSha256: code.sha256,
    Version: version.version,
    ...(Object.keys(settings.environment).length > 0 && { Environment: { Variables: settings.environment } }),
    LoggingConfig: { LogFormat: 'Text', LogGroup: settings.logGroup ?? `/aws/lambda/${record.name}` },
    RevisionId: version.revisionId,
    ...describeProgress(version.version === LATEST ? record.progress : 'active'),
    PackageType: 'Zip',
    Architectures: [process.arch === 'arm64' ? 'arm64' : 'x86_64'],
  };
}

/** The function, a version or an alias as the API shows it. Throws AwsError ResourceNotFoundException. */
export function describeFunction(record: FunctionRecord, qualifier?: string): FunctionConfiguration {
  const arn = qualifier === undefined ? record.arn : `${record.arn}:${qualifier}`;
  return describeVersion(record, resolveVersion(record, qualifier, record.latest), arn);
}

type ProgressFields = Pick<FunctionConfiguration, 'State'> & Partial<FunctionConfiguration>;

function describeProgress(progress: Progress): ProgressFields {
  if (progress === 'active') return { State: 'Active', LastUpdateStatus: 'Successful' };
  if (progress === 'creating') {
    return { State: 'Pending', StateReason: 'The function is being created.', StateReasonCode: 'Creating' };
  }
  return {
    State: 'Active',
    LastUpdateStatus: 'InProgress',
    LastUpdateStatusReason: 'The function is being created.',
    LastUpdateStatusReasonCode: 'Creating',
  };
}

export function describeAlias(record: FunctionRecord, alias: Alias): AliasConfiguration {
  return {
    AliasArn: `${record.arn}:${alias.name}`,
    Name: alias.name,
    FunctionVersion: alias.version,
    Description: alias.description,
    RevisionId: alias.revisionId,
  };
}
