import { AwsError, type CloudContext } from '../../base/context';
import type { Clock } from '../../../lib/clock';
import { packageBytes, type CodeFolder, type FunctionCode } from './code';
import type { FunctionFiles } from './functionFiles';
import {
  forgetQualifier,
  functionNotFound,
  LATEST,
  newRecord,
  newRevisionId,
  requireIdle,
  requireRevision,
  sameContent,
  type FunctionRecord,
  type FunctionVersion,
  type FunctionProgress,
} from './functionRecord';
import { buildFunctionArn } from './names';
import {
  changeSettings,
  notRunnable,
  requireOwnVariables,
  settingsFrom,
  type FunctionSettings,
} from './settings';
import type { CodeProps, ConfigurationUpdate, ParsedFunctionProps } from './props';

export interface FunctionsOptions {
  context: CloudContext;
  clock: Clock;
  code: CodeFolder;
  files: FunctionFiles;
  /** Functions of an earlier run. */
  survivors: readonly FunctionRecord[];
  /** How long a creation or update stays under way, in milliseconds. */
  settleMs: number;
  readObject: (bucket: string, key: string) => Promise<Buffer>;
  /** These versions will not be invoked again. */
  retire: (versions: readonly FunctionVersion[]) => void;
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
  /** Functions of an earlier run that their stacks have not deployed again yet. */
  readonly #survivors: Set<FunctionRecord>;
  readonly #options: FunctionsOptions;

  constructor(options: FunctionsOptions) {
    this.#options = options;
    this.#survivors = new Set(options.survivors);
    for (const record of options.survivors) this.#records.set(record.name, record);
  }

  list(): FunctionRecord[] {
    return [...this.#records.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: string): FunctionRecord | undefined {
    return this.#records.get(name);
  }

  get(name: string): FunctionRecord {
    const record = this.#records.get(name);
    if (record === undefined) throw functionNotFound(this.arn(name));
    return record;
  }

  arn(name: string): string {
    return buildFunctionArn(this.#options.context, { name });
  }

  /** Resolves with the function Pending; `settled` of the record tells when it is Active. */
  async create(props: ParsedFunctionProps, stackName?: string): Promise<FunctionRecord> {
    const name = props.FunctionName;
    if (this.#records.has(name) || this.#reserved.has(name)) {
      throw new AwsError('ResourceConflictException', `Function already exist: ${name}`, 409);
    }
    this.#reserved.add(name);
    try {
      const latest = await this.#versionOf(props);
      const { files } = this.#options;
      const record = newRecord(this.arn(name), latest, { stackName, save: (changed) => files.save(changed) });
      record.save();
      this.#records.set(name, record);
      this.#settle(record, 'creating', latest);
      return record;
    } finally {
      this.#reserved.delete(name);
    }
  }

  /** As `create`; a survivor of the stack is brought to `props` in place. See `Lambda.createFunction`. */
  async createForStack(props: ParsedFunctionProps, stackName: string): Promise<FunctionRecord> {
    const record = this.find(props.FunctionName);
    if (record === undefined || record.stackName !== stackName || !this.#survivors.has(record)) {
      return this.create(props, stackName);
    }
    const next = await this.#versionOf(props);
    await record.settled;
    this.#requirePresent(record);
    this.#survivors.delete(record);
    record.policies.clear();
    record.eventInvokeConfigs.clear();
    if (sameContent(record.latest, next) && record.latest.description === next.description) record.save();
    else this.#replace(record, next);
    return record;
  }

  /** Code, settings or both. Returns with the update under way. */
  update(record: FunctionRecord, change: ConfigurationUpdate, code?: FunctionCode): void {
    this.#requirePresent(record);
    requireIdle(record);
    requireRevision(record.latest, change.RevisionId);
    const settings = this.#checked(changeSettings(record.latest.settings, change));
    const description = change.Description ?? record.latest.description;
    this.#replace(record, this.#version(record.name, settings, description, code ?? record.latest.code));
  }

  /** Equal code and settings give the version that was published last. */
  publish(
    record: FunctionRecord,
    props: {
      Description?: string | undefined;
      CodeSha256?: string | undefined;
      RevisionId?: string | undefined;
    },
  ): FunctionVersion {
    this.#requirePresent(record);
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
    record.save();
    return published;
  }

  delete(name: string): void {
    const record = this.get(name);
    const { files, retire } = this.#options;
    files.remove(name);
    this.#records.delete(name);
    retire([record.serving, record.latest, ...record.versions]);
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
    const deleted = record.versions.splice(index, 1);
    forgetQualifier(record, version);
    record.save();
    this.#options.retire(deleted);
  }

  /** Puts a package where functions can use it; one that this machine cannot run is only noted. */
  async addCode(source: CodeProps, runtime: string): Promise<FunctionCode> {
    const { code, readObject } = this.#options;
    const bytes = await packageBytes(source, readObject);
    return notRunnable(runtime) === undefined ? code.add(bytes) : code.note(bytes);
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

  async #versionOf(props: ParsedFunctionProps): Promise<FunctionVersion> {
    const settings = this.#checked(settingsFrom(props));
    const code = await this.addCode(props.Code, settings.runtime);
    return this.#version(props.FunctionName, settings, props.Description, code);
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

  /** It may have been deleted while its caller waited. */
  #requirePresent(record: FunctionRecord): void {
    if (this.#records.get(record.name) !== record) throw functionNotFound(record.arn);
  }

  #replace(record: FunctionRecord, next: FunctionVersion): void {
    record.latest = next;
    record.save();
    this.#settle(record, 'updating', next);
  }

  /** Waits, and only then lets `next` serve. */
  #settle(record: FunctionRecord, progress: FunctionProgress, next: FunctionVersion): void {
    const { clock, settleMs, retire } = this.#options;
    record.progress = progress;
    const pause = new Promise<void>((resolve) => void clock.setTimeout(resolve, settleMs));
    record.settled = pause.then(() => {
      const previous = record.serving;
      record.serving = next;
      record.progress = 'active';
      if (previous !== next) retire([previous]);
    });
  }
}
