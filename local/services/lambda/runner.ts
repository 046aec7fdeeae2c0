import { EdgeError } from '../../../protocol';
import type { FunctionCall, FunctionHost, FunctionOutcome, FunctionSpec } from '../../../runtime/types';
import type { CloudContext } from '../../base/context';
import { LATEST, type FunctionVersion } from './functionRecord';
import { buildFunctionArn } from './names';

export interface RunnerOptions {
  context: CloudContext;
  host: FunctionHost;
  environment: () => Record<string, string>;
  /** Most instances of one version. */
  concurrency: number;
}

/** A warm process outlives any session: its credentials must not be what ends it. */
const CREDENTIALS_SECONDS = 10 * 365 * 24 * 3600;
const IDLE_MS = 10 * 60_000;
const MAX_QUEUE = 1_000;

/** Runs versions with the function host: each starts at its first call. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #started = new Map<string, Promise<void>>();
  readonly #retired = new WeakSet<FunctionVersion>();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Throws EdgeError as `FunctionHost.start`; FUNCTION_NOT_DEPLOYED when the version was retired. */
  async warm(version: FunctionVersion): Promise<void> {
    if (this.#retired.has(version)) throw new EdgeError('FUNCTION_NOT_DEPLOYED');
    const key = instanceKey(version);
    let started = this.#started.get(key);
    if (started === undefined) {
      started = this.#start(key, version);
      this.#started.set(key, started);
      // The next call tries again, as a new instance would on AWS.
      started.catch(() => this.#started.delete(key));
    }
    await started;
  }

  /** Throws EdgeError as `FunctionHost.invoke` and `warm`. */
  async call(version: FunctionVersion, call: FunctionCall): Promise<FunctionOutcome> {
    await this.warm(version);
    return this.#options.host.invoke(instanceKey(version), call);
  }

  /** Calls in flight finish; there will be no new ones. */
  retire(version: FunctionVersion): void {
    this.#retired.add(version);
    const key = instanceKey(version);
    const started = this.#started.get(key);
    this.#started.delete(key);
    const { host, context } = this.#options;
    started
      ?.then(() => host.stop(key))
      .catch((error: unknown) => context.log.debug({ err: error, function: key }, 'stopping failed'));
  }

  async #start(key: string, version: FunctionVersion): Promise<void> {
    await this.#options.host.start(key, this.#spec(version));
  }

  #spec(version: FunctionVersion): FunctionSpec {
    const { settings, code } = version;
    const reserved = settings.reservedConcurrency ?? Infinity;
    return {
      directory: code.directory,
      handler: settings.handler,
      memoryMiB: settings.memoryMiB,
      timeoutMs: settings.timeoutSeconds * 1000,
      environment: this.#environment(version),
      maxInstances: Math.max(1, Math.min(this.#options.concurrency, reserved)),
      maxQueue: MAX_QUEUE,
      pinned: false,
      idleMs: IDLE_MS,
      context: {
        functionName: version.functionName,
        functionVersion: version.version,
        invokedFunctionArn: this.#arn(version),
      },
    };
  }

  #arn({ functionName, version }: FunctionVersion): string {
    const ref = version === LATEST ? { name: functionName } : { name: functionName, qualifier: version };
    return buildFunctionArn(this.#options.context, ref);
  }

  /**
   * What Lambda's runtime sets beside what the function host does.
   * Source: Lambda developer guide, "Defined runtime environment variables".
   */
  #environment({ functionName, settings }: FunctionVersion): Record<string, string> {
    const { iam, region } = this.#options.context;
    const credentials = iam.assumeRole(
      settings.role,
      functionName,
      'lambda.amazonaws.com',
      CREDENTIALS_SECONDS,
    );
    return {
      ...this.#options.environment(),
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      ...(credentials.sessionToken !== undefined && { AWS_SESSION_TOKEN: credentials.sessionToken }),
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      TZ: ':UTC',
      ...settings.environment,
    };
  }
}

/** `$LATEST` changes under its name, so the revision is part of it. */
function instanceKey({ functionName, version, revisionId }: FunctionVersion): string {
  return `${functionName}:${version}:${revisionId}`;
}
