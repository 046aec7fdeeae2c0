import { EdgeError } from '../../../protocol';
import { AwsError } from '../../base/context';
import type { FunctionVersion } from './functionRecord';

/** Bytes of JSON text: Lambda's quota for a response, 100 more than for a request. */
export const MAX_RESPONSE = 6 * 1024 * 1024 + 100;

/** The payload of a failed function, as Lambda gives it to the caller. */
export interface FailurePayload {
  errorType: string;
  errorMessage: string;
  trace?: string[];
}

/**
 * What the function host threw, as Lambda says it: a failure of the function is a payload; anything
 * else is thrown as AwsError (TooManyRequests-, RequestTooLarge-, ServiceException).
 */
export function functionFailure(
  thrown: unknown,
  version: FunctionVersion,
  requestId: string,
): FailurePayload {
  const error = EdgeError.from(thrown);
  const about = (what: string): string => `RequestId: ${requestId} Error: ${what}`;
  switch (error.code) {
    case 'FUNCTION_ERROR':
      return thrownByFunction(error, 'Error');
    case 'FUNCTION_INIT_FAILED':
      return thrownByFunction(error, 'Runtime.Unknown');
    case 'HANDLER_NOT_FOUND':
      return { errorType: 'Runtime.HandlerNotFound', errorMessage: error.message };
    case 'FUNCTION_TIMED_OUT': {
      const seconds = version.settings.timeoutSeconds.toFixed(2);
      return {
        errorType: 'Sandbox.Timedout',
        errorMessage: about(`Task timed out after ${seconds} seconds`),
      };
    }
    case 'FUNCTION_OUT_OF_MEMORY':
      return {
        errorType: 'Runtime.ExitError',
        errorMessage: about('Runtime exited with error: signal: killed'),
      };
    case 'FUNCTION_EXITED':
      return {
        errorType: 'Runtime.ExitError',
        errorMessage: about('Runtime exited without providing a reason'),
      };
    case 'RESULT_TOO_LARGE':
      return responseTooLarge();
    case 'PAYLOAD_TOO_LARGE':
      throw new AwsError('RequestTooLargeException', error.message, 413);
    case 'QUEUE_FULL':
      throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429);
    default:
      throw new AwsError('ServiceException', error.message, 500);
  }
}

export function responseTooLarge(): FailurePayload {
  return {
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE} bytes).`,
  };
}

function thrownByFunction(error: EdgeError, fallbackType: string): FailurePayload {
  const { errorType, errorMessage, trace } = error.details ?? {};
  return {
    errorType: typeof errorType === 'string' ? errorType : fallbackType,
    errorMessage: typeof errorMessage === 'string' ? errorMessage : error.message,
    ...(Array.isArray(trace) && { trace: trace.map(String) }),
  };
}
