import {
  CreateAliasCommand,
  CreateFunctionCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  LambdaServiceException,
  PublishVersionCommand,
  ResourceNotFoundException,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
  type FunctionConfiguration,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import { canonicalJson, EdgeError, type FunctionConfig } from '../../protocol';
import { lambdaNameOf } from '../registry/lambdaName';
import type { RetryPause, CloudPublisher, CloudTarget } from '../ports';

export interface PublisherSettings {
  /** Of the Lambda functions' names: `<prefix><function>`. */
  prefix: string;
  roleArn: string;
  /** Where they log, all into one group: its retention is the stack's to set. */
  logGroup: string;
}

const LIVE_ALIAS = 'live';
/** Lambda has no less than this (MiB). */
const MIN_LAMBDA_MEMORY = 128;
/** Seconds. The SDK's waiters would begin with a whole one. */
const WAIT = { maxWaitTime: 90, minDelay: 0.1, maxDelay: 2 };
const MAX_RACES = 10;

/** Puts functions into the cloud as ordinary Lambda functions. */
export class LambdaPublisher implements CloudPublisher {
  constructor(
    private readonly lambda: LambdaClient,
    private readonly settings: PublisherSettings,
    private readonly backoff: RetryPause,
  ) {}

  /**
   * Brings `$LATEST` to this code and configuration and publishes it. Two uploads of one function may
   * do so at once: `CodeSha256` and `RevisionId` make sure that what is published is ours, else again.
   */
  async publish(config: FunctionConfig, bytes: Buffer, digest: string): Promise<CloudTarget> {
    for (let races = 1; ; races++) {
      try {
        return await this.tryPublish(config, bytes, digest);
      } catch (error) {
        if (!isRace(error) || races === MAX_RACES) throw error;
        await this.backoff(races + 3);
      }
    }
  }

  async existing(nameOrArn: string, { versioned = false } = {}): Promise<CloudTarget> {
    const [, unqualified = nameOrArn, Qualifier] =
      /^((?:arn:[^:]+:lambda:[^:]+:\d{12}:function:)?[^:]+)(?::([^:]+))?$/.exec(nameOrArn) ?? [];
    try {
      const found = await this.lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: unqualified, ...(Qualifier && { Qualifier }) }),
      );
      const functionArn = unqualifiedArn(found.FunctionArn ?? unqualified);
      if (!versioned || (Qualifier !== undefined && Qualifier !== '$LATEST')) {
        return { functionArn, qualifier: Qualifier ?? '$LATEST' };
      }
      // PublishVersion answers with the existing version when the code has one already.
      const { Version } = await this.lambda.send(new PublishVersionCommand({ FunctionName: unqualified }));
      if (Version === undefined) throw new Error(`PublishVersion of ${unqualified} named no version`);
      return { functionArn, qualifier: Version };
    } catch (error) {
      if (!isUnknownFunction(error)) throw error;
      throw new EdgeError('CONFIG_INVALID', `cloudFunction: no Lambda function ${nameOrArn}`, {
        field: 'cloudFunction',
        expected: 'a Lambda function of the stack that "edge.functions" names with the location "cloud"',
      });
    }
  }

  async promote(name: string, { functionArn, qualifier }: CloudTarget): Promise<void> {
    const FunctionName = this.lambdaName(name);
    if (!functionArn.endsWith(`:function:${FunctionName}`)) return;
    const alias = { FunctionName, Name: LIVE_ALIAS, FunctionVersion: qualifier };
    try {
      await this.lambda.send(new UpdateAliasCommand(alias));
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
      await this.createAlias(alias);
    }
  }

  private async createAlias(alias: {
    FunctionName: string;
    Name: string;
    FunctionVersion: string;
  }): Promise<void> {
    try {
      await this.lambda.send(new CreateAliasCommand(alias));
    } catch (error) {
      if (!isRace(error)) throw error;
      await this.lambda.send(new UpdateAliasCommand(alias));
    }
  }

  private async tryPublish(config: FunctionConfig, bytes: Buffer, digest: string): Promise<CloudTarget> {
    const FunctionName = this.lambdaName(config.name);
    const codeSha256 = Buffer.from(digest, 'hex').toString('base64');
    const current = await this.settled(FunctionName);
    const ready =
      current === undefined
        ? await this.create(FunctionName, config, bytes)
        : await this.update(current, config, bytes, codeSha256);
    const published = await this.lambda.send(
      new PublishVersionCommand({
        FunctionName,
        CodeSha256: codeSha256,
        ...(ready?.RevisionId !== undefined && { RevisionId: ready.RevisionId }),
      }),
    );
    if (published.Version === undefined)
      throw new Error(`PublishVersion of ${FunctionName} named no version`);
    await this.settled(FunctionName, published.Version);
    return { functionArn: unqualifiedArn(published.FunctionArn ?? ''), qualifier: published.Version };
  }

  private async create(
    FunctionName: string,
    config: FunctionConfig,
    bytes: Buffer,
  ): Promise<FunctionConfiguration | undefined> {
    await this.lambda.send(
      new CreateFunctionCommand({
        FunctionName,
        Code: { ZipFile: bytes },
        Architectures: [architecture(config)],
        ...this.configuration(config),
      }),
    );
    return this.settled(FunctionName);
  }

  private async update(
    current: FunctionConfiguration,
    config: FunctionConfig,
    bytes: Buffer,
    codeSha256: string,
  ): Promise<FunctionConfiguration | undefined> {
    const FunctionName = this.lambdaName(config.name);
    let ready: FunctionConfiguration | undefined = current;
    const Architectures = [architecture(config)];
    if (current.CodeSha256 !== codeSha256 || !equal(current.Architectures, Architectures)) {
      const code = { FunctionName, ZipFile: bytes, Architectures };
      await this.lambda.send(new UpdateFunctionCodeCommand(code));
      ready = await this.settled(FunctionName);
    }
    const wanted = this.configuration(config);
    if (!hasConfiguration(ready, wanted)) {
      await this.lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, ...wanted }));
      ready = await this.settled(FunctionName);
    }
    return ready;
  }

  private configuration(config: FunctionConfig) {
    return {
      Role: this.settings.roleArn,
      Runtime: config.runtime,
      Handler: config.handler,
      Description: config.description ?? '',
      MemorySize: Math.max(config.memory, MIN_LAMBDA_MEMORY),
      Timeout: config.timeout,
      Environment: { Variables: config.environment },
      LoggingConfig: { LogGroup: this.settings.logGroup },
    };
  }

  /** The function once nothing of it is Pending or InProgress; undefined when there is none. */
  private async settled(
    FunctionName: string,
    Qualifier?: string,
  ): Promise<FunctionConfiguration | undefined> {
    const input = { FunctionName, ...(Qualifier !== undefined && { Qualifier }) };
    const waiter = { client: this.lambda, ...WAIT };
    // Asked once before waiting, because the SDK's waiters take a refusal for "not yet".
    let found = await this.find(input);
    if (found === undefined) return undefined;
    if (found.State === 'Pending') {
      await waitUntilFunctionActiveV2(waiter, input);
      found = await this.find(input);
    }
    if (found?.LastUpdateStatus === 'InProgress') {
      await waitUntilFunctionUpdatedV2(waiter, input);
      found = await this.find(input);
    }
    return found;
  }

  private async find(input: {
    FunctionName: string;
    Qualifier?: string;
  }): Promise<FunctionConfiguration | undefined> {
    try {
      return (await this.lambda.send(new GetFunctionCommand(input))).Configuration;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }

  private lambdaName(name: string): string {
    return lambdaNameOf(this.settings.prefix, name);
  }
}

/** Someone else creates, updates or publishes the same function at this moment. */
function isRace(error: unknown): boolean {
  if (!(error instanceof LambdaServiceException)) return false;
  if (['ResourceConflictException', 'PreconditionFailedException'].includes(error.name)) return true;
  return error.name === 'InvalidParameterValueException' && /CodeSha-?256/i.test(error.message);
}

/** The role of createFunction may see the stack's own functions; of all others it learns nothing. */
function isUnknownFunction(error: unknown): boolean {
  if (!(error instanceof LambdaServiceException)) return false;
  return error instanceof ResourceNotFoundException || error.name === 'AccessDeniedException';
}

function architecture(config: FunctionConfig): 'arm64' | 'x86_64' {
  const { architectures = ['x64'] } = config.requires;
  return architectures.includes('x64') ? 'x86_64' : 'arm64';
}

function hasConfiguration(
  found: FunctionConfiguration | undefined,
  wanted: Partial<FunctionConfiguration>,
): boolean {
  const { Environment, LoggingConfig, ...plain } = wanted;
  const same = Object.entries(plain).every(
    ([key, value]) => (found?.[key as keyof FunctionConfiguration] ?? '') === value,
  );
  return (
    same &&
    found?.LoggingConfig?.LogGroup === LoggingConfig?.LogGroup &&
    equal(found?.Environment?.Variables ?? {}, Environment?.Variables ?? {})
  );
}

function equal(left: unknown, right: unknown): boolean {
  return canonicalJson(left ?? null) === canonicalJson(right ?? null);
}

function unqualifiedArn(arn: string): string {
  return arn.split(':').slice(0, 7).join(':');
}
