import { canonicalJson } from '../../protocol';
import { AwsError, type CloudContext } from '../context';
import type { Clock } from './clock';
import { readCode, type FunctionCode } from './code';
import {
  LATEST,
  newRevisionId,
  notFound,
  type FunctionRecord,
  type FunctionSettings,
  type FunctionVersion,
} from './functionRecord';
import { buildFunctionArn } from './names';
import { changeSettings, requireOwnVariables, settingsOf } from './settings';
import type { CodeProps, ConfigurationUpdate, ParsedFunctionProps } from './props';

export interface FunctionsOptions {
  context: CloudContext;
  clock: Clock;
  codeRoot: string;
  /** How long a creation or update stays under way, in milliseconds. */
  settleMs: number;
  readObject(bucket: string, key: string): Promise<Buffer>;
  /** These versions will not be invoked again. */
  retire(versions: readonly FunctionVersion[]): void;
}

const LAMBDA_SERVICE = 'lambda.amazonaws.com';

/**
 * The functions and their life: created and updated in the background as on AWS, published, deleted.
 * Methods throw AwsError in Lambda's codes.
 */
export class Functions {
  readonly #records = new Map<string, FunctionRecord>();
  /** Names whose package is being read, so that two creations cannot both succeed. */
  readonly #reserved = new Set<string>();
  readonly #options: FunctionsOptions;

  constructor(options: FunctionsOptions) {
    this.#options = options;
  }

  list(): FunctionRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: string): FunctionRecord | undefined {
    return this.#records.get(name);
  }

  get(name: string): FunctionRecord {
    const record = this.#records.get(name);
    if (record === undefined) throw notFound(this.arn(name));
    return record;
  }

  arn(name: string): string {
    return buildFunctionArn(this.#options.context, { name });
  }

  /** Resolves with the function Pending; `settled` of the record tells when it is Active. */
  async create(props: ParsedFunctionProps): Promise<FunctionRecord> {
    const name = props.FunctionName;
    if (this.#records.has(name) || this.#reserved.has(name)) {
      throw new AwsError('ResourceConflictException', `Function already exist: ${name}`, 409);
    }
    this.#reserved.add(name);
    try {
      const settings = this.#checked(settingsOf(props));
      const latest = this.#version(name, settings, props.Description, await this.readCode(props.Code));
      const record = newRecord(this.arn(name), latest);
      this.#records.set(name, record);
      this.#settle(record, 'creating', latest);
      return record;
    } finally {
      this.#reserved.delete(name);
    }
  }

  /** Code, settings or both. Returns with the update under way. */
  update(record: FunctionRecord, change: ConfigurationUpdate, code?: FunctionCode): void {
    requireIdle(record);
    requireRevision(record.latest, change.RevisionId);
    const settings = this.#checked(changeSettings(record.latest.settings, change));
    const description = change.Description ?? record.latest.description;
    const next = this.#version(record.name, settings, description, code ?? record.latest.code);
    record.latest = next;
    this.#settle(record, 'updating', next);
  }

  /** Equal code and settings give the version that was published last. */
  publish(
    record: FunctionRecord,
    props: { Description?: string; CodeSha256?: string; RevisionId?: string },
  ): FunctionVersion {
    requireIdle(record);
    requireRevision(record.latest, props.RevisionId);
    const { latest } = record;
    if (props.CodeSha256 !== undefined && props.CodeSha256 !== latest.code.sha256) {
      throw new AwsError(
        'InvalidParameterValueException',
        `CodeSHA256 (${props.CodeSha256}) is different from current CodeSHA256 in $LATEST (${latest.code.sha256}). Please try again with the CodeSHA256 in $LATEST.`,
      );
    }
    return this.publishAtOnce(record, props.Description);
  }

  /** Also while the creation or update that asks for it (`Publish: true`) is under way. */
  publishAtOnce(record: FunctionRecord, description?: string): FunctionVersion {
    const { latest } = record;
    const previous = record.versions.at(-1);
    if (previous !== undefined && sameContent(previous, latest)) return previous;
    const published: FunctionVersion = {
      ...latest,
      version: String(++record.lastVersion),
      description: description ?? latest.description,
      revisionId: newRevisionId(),
      modifiedAt: this.#options.clock.now(),
    };
    record.versions.push(published);
    return published;
  }

  delete(name: string): void {
    const record = this.get(name);
    this.#records.delete(name);
    this.#options.retire([record.serving, record.latest, ...record.versions]);
  }

  deleteVersion(name: string, version: string): void {
    const record = this.get(name);
    const index = record.versions.findIndex((each) => each.version === version);
    if (index < 0) return;
    const user = [...record.aliases.values()].find((alias) => alias.version === version);
    if (user !== undefined) {
      throw new AwsError(
        'ResourceConflictException',
        `The alias ${user.name} points at version ${version}`,
        409,
      );
    }
    this.#options.retire(record.versions.splice(index, 1));
  }

  async readCode(code: CodeProps): Promise<FunctionCode> {
    return readCode(this.#options.codeRoot, await this.#bytesOf(code));
  }

  async #bytesOf({ ZipFile, S3Bucket, S3Key }: CodeProps): Promise<Buffer> {
    if (ZipFile !== undefined) return ZipFile;
    if (S3Bucket === undefined || S3Key === undefined) {
      throw new AwsError('InvalidParameterValueException', 'Please provide a source for function code.');
    }
    try {
      return await this.#options.readObject(S3Bucket, S3Key);
    } catch (error) {
      throw new AwsError(
        'InvalidParameterValueException',
        `Error occurred while GetObject. S3 Error: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  #checked(settings: FunctionSettings): FunctionSettings {
    requireOwnVariables(settings.environment);
    try {
      this.#options.context.iam.assumeRole(settings.role, 'lambda', LAMBDA_SERVICE);
    } catch {
      throw new AwsError(
        'InvalidParameterValueException',
        'The role defined for the function cannot be assumed by Lambda.',
      );
    }
    return settings;
  }

  #version(
    functionName: string,
    settings: FunctionSettings,
    description: string,
    code: FunctionCode,
  ): FunctionVersion {
    const modifiedAt = this.#options.clock.now();
    return {
      functionName,
      version: LATEST,
      description,
      settings,
      code,
      revisionId: newRevisionId(),
      modifiedAt,
    };
  }

  /** Unpacks, waits, and only then lets `next` serve. */
  #settle(record: FunctionRecord, during: 'creating' | 'updating', next: FunctionVersion): void {
    const { clock, settleMs, context, retire } = this.#options;
    record.progress = { status: during };
    const pause = new Promise<void>((resolve) => void clock.setTimeout(resolve, settleMs));
    record.settled = Promise.all([next.code.unpack(), pause]).then(
      () => {
        const previous = record.serving;
        record.serving = next;
        record.progress = { status: 'active' };
        if (previous !== next) retire([previous]);
      },
      (error: unknown) => {
        context.log.error({ err: error, function: record.name }, 'unpacking the function failed');
        record.progress = { status: 'failed', during, reason: 'The package could not be unpacked.' };
      },
    );
  }
}

export function requireIdle({ progress, arn }: FunctionRecord): void {
  if (progress.status !== 'creating' && progress.status !== 'updating') return;
  const why =
    progress.status === 'creating'
      ? 'The function is currently in the following state: Pending'
      : `An update is in progress for resource: ${arn}`;
  throw new AwsError(
    'ResourceConflictException',
    `The operation cannot be performed at this time. ${why}`,
    409,
  );
}

export function requireRevision(current: { revisionId: string }, wanted: string | undefined): void {
  if (wanted === undefined || wanted === current.revisionId) return;
  throw new AwsError(
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
    412,
  );
}

function newRecord(arn: string, latest: FunctionVersion): FunctionRecord {
  return {
    name: latest.functionName,
    arn,
    latest,
    serving: latest,
    progress: { status: 'creating' },
    settled: Promise.resolve(),
    versions: [],
    lastVersion: 0,
    aliases: new Map(),
    policies: new Map(),
    eventInvokeConfigs: new Map(),
  };
}

function sameContent(left: FunctionVersion, right: FunctionVersion): boolean {
  return (
    left.code.sha256 === right.code.sha256 && canonicalJson(left.settings) === canonicalJson(right.settings)
  );
}
