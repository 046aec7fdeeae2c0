import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import { z } from 'zod';
import { openJsonFolder, type JsonFolder } from '../../base/jsonFile';
import type { CodeFolder } from './code';
import { newRecord, type FunctionRecord, type FunctionVersion } from './functionRecord';
import { eventInvokeConfigSchema } from './props';
import { notRunnable } from './settings';

const versionSchema = z.strictObject({
  version: z.string(),
  description: z.string(),
  settings: z.strictObject({
    role: z.string(),
    handler: z.string(),
    runtime: z.string(),
    timeoutSeconds: z.number(),
    memoryMiB: z.number(),
    environment: z.record(z.string(), z.string()),
    reservedConcurrency: z.number().optional(),
    logGroup: z.string().optional(),
  }),
  code: z.strictObject({ sha256: z.string(), size: z.number() }),
  revisionId: z.string(),
  modifiedAt: z.number(),
});
type StoredVersion = z.infer<typeof versionSchema>;

const statementSchema = z.strictObject({
  Sid: z.string(),
  Effect: z.literal('Allow'),
  Principal: z.unknown(),
  Action: z.string(),
  Resource: z.string(),
  Condition: z.record(z.string(), z.record(z.string(), z.string())).optional(),
});

const fileSchema = z.strictObject({
  format: z.literal(1),
  name: z.string(),
  stackName: z.string().optional(),
  latest: versionSchema,
  versions: z.array(versionSchema),
  lastVersion: z.number(),
  aliases: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      description: z.string(),
      revisionId: z.string(),
    }),
  ),
  /** By qualifier; entries, as a qualifier may be any word. */
  policies: z.array(z.tuple([z.string(), z.array(statementSchema)])),
  eventInvokeConfigs: z.array(z.tuple([z.string(), eventInvokeConfigSchema])),
});
type StoredFunction = z.infer<typeof fileSchema>;

export interface FunctionFilesOptions {
  dir: string;
  code: CodeFolder;
  log: Logger;
  arn(name: string): string;
}

/**
 * Functions with their versions, aliases, policies and event-invoke configurations on disk, one file
 * each. What was accepted is kept as if it had settled: its code is unpacked before it is accepted.
 */
export class FunctionFiles {
  readonly #folder: JsonFolder<StoredFunction>;

  constructor(private readonly options: FunctionFilesOptions) {
    this.#folder = openJsonFolder(options.dir, fileSchema);
  }

  /** A function whose code someone removed is forgotten, so that it can be made again. */
  load(): FunctionRecord[] {
    const records = this.#folder.readAll().map((stored) => this.#restore(stored));
    return records.filter((record) => {
      const runnable = [record.latest, ...record.versions].filter(
        ({ settings }) => notRunnable(settings.runtime) === undefined,
      );
      if (runnable.every(({ code }) => existsSync(code.directory))) return true;
      this.options.log.error({ function: record.name }, 'the code of the function is gone, and so is it');
      this.remove(record.name);
      return false;
    });
  }

  save(record: FunctionRecord): void {
    this.#folder.write(record.name, {
      format: 1,
      name: record.name,
      stackName: record.stackName,
      latest: storedVersion(record.latest),
      versions: record.versions.map(storedVersion),
      lastVersion: record.lastVersion,
      aliases: [...record.aliases.values()],
      policies: [...record.policies],
      eventInvokeConfigs: [...record.eventInvokeConfigs],
    });
  }

  remove(name: string): void {
    this.#folder.remove(name);
  }

  #restore(stored: StoredFunction): FunctionRecord {
    const { name, stackName } = stored;
    const version = (each: StoredVersion): FunctionVersion => ({
      ...each,
      functionName: name,
      code: this.options.code.at(each.code.sha256, each.code.size),
    });
    const record = newRecord(this.options.arn(name), version(stored.latest), {
      stackName,
      save: (changed) => this.save(changed),
    });
    record.versions.push(...stored.versions.map(version));
    record.lastVersion = stored.lastVersion;
    for (const alias of stored.aliases) record.aliases.set(alias.name, alias);
    for (const [qualifier, statements] of stored.policies) record.policies.set(qualifier, statements);
    for (const [qualifier, config] of stored.eventInvokeConfigs) {
      record.eventInvokeConfigs.set(qualifier, config);
    }
    return record;
  }
}

function storedVersion({ functionName: _name, code, ...rest }: FunctionVersion): StoredVersion {
  return { ...rest, code: { sha256: code.sha256, size: code.size } };
}
