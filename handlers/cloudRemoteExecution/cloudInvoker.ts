import {
  InvokeCommand,
  LambdaServiceException,
  type InvokeCommandOutput,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import {
  EdgeError,
  MAX_ERROR_MESSAGE_CHARS,
  MAX_ERROR_TYPE_CHARS,
  MAX_MQTT_PAYLOAD,
  type ErrorCode,
} from '../../protocol';
import type { CloudInvoker, CloudTarget } from '../ports';

/**
 * Invokes functions on Lambda. The client must be made with `maxAttempts: 1`: a retry of the SDK would
 * run the function twice.
 */
export class LambdaInvoker implements CloudInvoker {
  constructor(private readonly lambda: LambdaClient) {}

  async invoke({ functionArn, qualifier }: CloudTarget, input: unknown): Promise<unknown> {
    const output = await this.send(
      new InvokeCommand({
        FunctionName: functionArn,
        Qualifier: qualifier,
        ...(input !== undefined && { Payload: Buffer.from(JSON.stringify(input)) }),
      }),
    );
    const payload = Buffer.from(output.Payload ?? []);
    if (output.FunctionError !== undefined) throw functionError(payload.toString('utf8'));
    if (payload.length > MAX_MQTT_PAYLOAD) {
      throw new EdgeError('RESULT_TOO_LARGE', undefined, { details: { bytes: payload.length } });
    }
    return payload.length === 0 ? null : (JSON.parse(payload.toString('utf8')) as unknown);
  }

  private async send(command: InvokeCommand): Promise<InvokeCommandOutput> {
    try {
      return await this.lambda.send(command);
    } catch (cause) {
      const name = cause instanceof LambdaServiceException ? cause.name : undefined;
      if (name === 'TooManyRequestsException') throw new EdgeError('QUEUE_FULL', undefined, { cause });
      const message = cause instanceof Error ? cause.message : String(cause);
      if (name === 'InvalidRuntimeException') throw new EdgeError('UNSUPPORTED', message, { cause });
      const details = { service: 'lambda', ...(name !== undefined && { error: name }) };
      throw new EdgeError('CLOUD_ERROR', message, { cause, details });
    }
  }
}

/** Error types by which Lambda names what is not the function's own error. */
const LAMBDA_ERRORS: Record<string, ErrorCode> = {
  'Sandbox.Timedout': 'FUNCTION_TIMED_OUT',
  'Runtime.OutOfMemory': 'FUNCTION_OUT_OF_MEMORY',
  'Runtime.ExitError': 'FUNCTION_EXITED',
  'Runtime.HandlerNotFound': 'HANDLER_NOT_FOUND',
  'Runtime.ImportModuleError': 'FUNCTION_INIT_FAILED',
  'Runtime.UserCodeSyntaxError': 'FUNCTION_INIT_FAILED',
  'Function.ResponseSizeTooLarge': 'RESULT_TOO_LARGE',
};

function functionError(payload: string): EdgeError {
  const read = readError(payload);
  // Lambda lets a function throw up to 6 MB, which no device could be told.
  const errorType = read.errorType?.slice(0, MAX_ERROR_TYPE_CHARS);
  const errorMessage = (read.errorMessage ?? '').slice(0, MAX_ERROR_MESSAGE_CHARS);
  const message = [errorType, errorMessage].filter(Boolean).join(': ');
  return new EdgeError(codeOf(errorType, errorMessage), message, {
    details: { errorType: errorType ?? 'Error', errorMessage },
  });
}

function codeOf(errorType: string | undefined, errorMessage: string): ErrorCode {
  // Older runtimes give a timeout no type, and an end for want of memory that of any other end.
  if (errorType === undefined && /Task timed out after/.test(errorMessage)) return 'FUNCTION_TIMED_OUT';
  if (errorType === 'Runtime.ExitError' && /signal: killed/.test(errorMessage)) {
    return 'FUNCTION_OUT_OF_MEMORY';
  }
  const known = errorType !== undefined && Object.hasOwn(LAMBDA_ERRORS, errorType);
  return known ? (LAMBDA_ERRORS[errorType] ?? 'FUNCTION_ERROR') : 'FUNCTION_ERROR';
}

function readError(payload: string): { errorType?: string; errorMessage?: string } {
  try {
    return (JSON.parse(payload) ?? {}) as { errorType?: string; errorMessage?: string };
  } catch {
    return { errorMessage: payload };
  }
}
