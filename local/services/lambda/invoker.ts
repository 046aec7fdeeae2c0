import { randomUUID } from 'node:crypto';
import { toJson } from '../../../lib/json';
import { EdgeError } from '../../../protocol';
import { AwsError } from '../../base/context';
import { functionFailure, MAX_RESPONSE, responseTooLarge, type FailurePayload } from './functionErrors';
import {
  requireInvocable,
  qualifiedVersion,
  type FunctionRecord,
  type FunctionVersion,
} from './functionRecord';
import type { Runner } from './runner';
import { notRunnable } from './settings';
import type { Invocation, InvokeResult } from './types';

export interface InvokerOptions {
  runner: Runner;
  onInvocation?: ((invocation: Invocation) => void) | undefined;
}

export interface InvokeCall {
  event: unknown;
  requestId?: string;
  clientContext?: unknown;
}

/** Lambda's quotas: bytes of JSON text. */
const MAX_SYNC_PAYLOAD = 6 * 1024 * 1024;
const MAX_ASYNC_PAYLOAD = 1024 * 1024;
export const INVALID_RUNTIME = 'InvalidRuntimeException';
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
    call: InvokeCall,
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
      ...('failure' in outcome && { failure: outcome.failure }),
    });
    return result;
  }

  async #run(
    record: FunctionRecord,
    qualifier: string | undefined,
    call: InvokeCall & { requestId: string },
  ): Promise<{ version: FunctionVersion; outcome: Outcome }> {
    for (let attempt = 1; ; attempt++) {
      requireInvocable(record);
      const version = qualifiedVersion(record, qualifier);
      if (version.settings.reservedConcurrency === 0) {
        throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429);
      }
      requireRunnable(version);
      try {
        const { output } = await this.#options.runner.call(version, call);
        return { version, outcome: { output } };
      } catch (error) {
        const isRetired = error instanceof EdgeError && error.code === 'FUNCTION_NOT_DEPLOYED';
        if (isRetired && attempt < ATTEMPTS) continue;
        return { version, outcome: { failure: functionFailure(error, version, call.requestId) } };
      }
    }
  }
}

/** Throws AwsError InvalidRuntimeException (502), as Lambda does for a runtime that it does not have. */
function requireRunnable({ functionName, settings }: FunctionVersion): void {
  const why = notRunnable(settings.runtime);
  if (why === undefined) return;
  throw new AwsError(
    INVALID_RUNTIME,
    `${functionName} ${why}, which the local cloud cannot run: deploy the service and call it there`,
    502,
  );
}

type Outcome = { output: unknown } | { failure: FailurePayload };

function resultOf({ version }: FunctionVersion, outcome: Outcome, requestId: string): InvokeResult {
  const common = { executedVersion: version, requestId };
  if ('failure' in outcome) {
    return { ...common, payload: JSON.stringify(outcome.failure), functionError: 'Unhandled' };
  }
  // A function that returns nothing answers `null`.
  const payload = toJson(outcome.output);
  if (Buffer.byteLength(payload) <= MAX_RESPONSE) return { ...common, payload };
  return { ...common, payload: JSON.stringify(responseTooLarge()), functionError: 'Unhandled' };
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
