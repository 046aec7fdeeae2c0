import {
  LATEST,
  qualifiedVersion,
  type Alias,
  type FunctionProgress,
  type FunctionRecord,
  type FunctionVersion,
} from './functionRecord';
import type { AliasConfiguration, FunctionConfiguration } from './types';

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
    PackageType: settings.runtime === '' ? 'Image' : 'Zip',
    Architectures: [process.arch === 'arm64' ? 'arm64' : 'x86_64'],
  };
}

/** The function, a version or an alias as the API shows it. Throws AwsError ResourceNotFoundException. */
export function describeFunction(record: FunctionRecord, qualifier?: string): FunctionConfiguration {
  const arn = qualifier === undefined ? record.arn : `${record.arn}:${qualifier}`;
  return describeVersion(record, qualifiedVersion(record, qualifier, record.latest), arn);
}

type ProgressFields = Pick<FunctionConfiguration, 'State'> & Partial<FunctionConfiguration>;

function describeProgress(progress: FunctionProgress): ProgressFields {
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
