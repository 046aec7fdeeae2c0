import { randomUUID } from 'node:crypto';
import { EdgeError } from '../../../protocol';
import { AwsError } from '../../base/context';
import { functionFailure, MAX_RESPONSE, responseTooLarge, type FunctionFailure } from './functionErrors';
import { resolveVersion, type FunctionRecord, type FunctionVersion } from './functionRecord';
import type { Runner } from './runner';
import type { Invocation, InvokeResult } from './types';

export interface InvokerOptions {
  runner: Runner;
  onInvocation?(invocation: Invocation): void;
}

export interface Call {
  event: unknown;
  requestId?: string;
  clientContext?: unknown;
}

/** Lambda's quotas: bytes of JSON text. */
export const MAX_SYNC_PAYLOAD = 6 * 1024 * 1024;
export const MAX_ASYNC_PAYLOAD = 1024 * 1024;
/** An update may retire `$LATEST` between choosing and calling it; once more is then enough. */
const ATTEMPTS = 3;

/** Runs one call of a function and words its outcome as Lambda does. */
export class Invoker {
  readonly #options: InvokerOptions;

  constructor(options: InvokerOptions) {
    this.#options = options;
  }

  /** Throws AwsError: ResourceNotFound-, ResourceConflict-, TooManyRequests-, ServiceException. */
  async invoke(
    record: FunctionRecord,
    qualifier: string | undefined,
    call: Call,
    kind: Invocation['kind'] = 'sync',
  ): Promise<InvokeResult> {
    const requestId = call.requestId ?? randomUUID();
    const startedAt = performance.now();
    const { version, outcome } = await this.#run(record, qualifier, { ...call, requestId });
    const result = resultOf(version, outcome, requestId);
    this.#options.onInvocation?.({
      functionName: record.name,
      version: version.version,
      kind,
      ms: performance.now() - startedAt,
      ok: result.functionError === undefined,
    });
    return result;
  }

  async #run(
    record: FunctionRecord,
    qualifier: string | undefined,
    call: Call & { requestId: string },
  ): Promise<{ version: FunctionVersion; outcome: Outcome }> {
    for (let attempt = 1; ; attempt++) {
      requireInvocable(record);
      const version = resolveVersion(record, qualifier);
      if (version.settings.reservedConcurrency === 0) {
        throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429);
      }
      try {
        const { output } = await this.#options.runner.call(version, call);
        return { version, outcome: { output } };
      } catch (error) {
        if (error instanceof EdgeError && error.code === 'FUNCTION_NOT_DEPLOYED' && attempt < ATTEMPTS)
          continue;
        return { version, outcome: { failure: functionFailure(error, version, call.requestId) } };
      }
    }
  }
}

type Outcome = { output: unknown } | { failure: FunctionFailure };

function resultOf({ version }: FunctionVersion, outcome: Outcome, requestId: string): InvokeResult {
  const common = { executedVersion: version, requestId };
  if ('failure' in outcome) {
    return { ...common, payload: JSON.stringify(outcome.failure), functionError: 'Unhandled' };
  }
  // A function that returns nothing answers `null`.
  const payload = JSON.stringify(outcome.output ?? null);
  if (Buffer.byteLength(payload) <= MAX_RESPONSE) return { ...common, payload };
  return { ...common, payload: JSON.stringify(responseTooLarge()), functionError: 'Unhandled' };
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

/** Throws AwsError RequestTooLargeException (413). */
export function requirePayloadSize(bytes: number, kind: Invocation['kind']): void {
  const limit = kind === 'sync' ? MAX_SYNC_PAYLOAD : MAX_ASYNC_PAYLOAD;
  if (bytes <= limit) return;
  throw new AwsError(
    'RequestTooLargeException',
    `${bytes} byte payload is too large for the ${kind === 'sync' ? 'RequestResponse' : 'Event'} invocation type (limit ${limit} bytes)`,
    413,
  );
}
