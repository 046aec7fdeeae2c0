import { MAX_ERROR_MESSAGE_CHARS, MAX_ERROR_TYPE_CHARS } from '../protocol/limits';
import type { ErrorResult } from './processMessages';

export const MAX_TRACE_LINES = 40;
export const MAX_LINE_CHARS = 512;

/** An error travels to a device: it stays far below the MQTT limit of 128 KB, whatever was thrown. */
export function boundedError({ errorType, errorMessage, trace }: ErrorResult): ErrorResult {
  return {
    errorType: errorType.slice(0, MAX_ERROR_TYPE_CHARS),
    errorMessage: errorMessage.slice(0, MAX_ERROR_MESSAGE_CHARS),
    trace: trace.slice(0, MAX_TRACE_LINES).map((line) => String(line).slice(0, MAX_LINE_CHARS)),
  };
}
