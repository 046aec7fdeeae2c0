import { jsonText } from '../../lib/json';
import { MAX_ERROR_MESSAGE_CHARS } from '../../protocol/limits';
import { boundedError, MAX_LINE_CHARS, MAX_TRACE_LINES } from '../processMessages';
import type { ErrorResult } from '../processMessages';
import { bundlingAdvice } from './missingModule';

/** Any thrown value in the shape in which Lambda reports it. Never throws itself. */
export function toErrorResult(thrown: unknown, errorType?: string): ErrorResult {
  try {
    const result = thrown instanceof Error || looksLikeError(thrown) ? ofError(thrown) : ofValue(thrown);
    return boundedError(errorType === undefined ? result : { ...result, errorType });
  } catch {
    return { errorType: errorType ?? 'Error', errorMessage: 'an error that cannot be read', trace: [] };
  }
}

/** Errors of another realm (`node:vm`) are no instances of our Error. */
function looksLikeError(thrown: unknown): thrown is Error {
  const candidate = thrown as Partial<Error> | null | undefined;
  return typeof candidate?.message === 'string' && typeof candidate.name === 'string';
}

/** A function may throw an error whose fields it has set to anything. */
function ofError(error: { name: unknown; message: unknown; stack?: unknown }): ErrorResult {
  const advice = bundlingAdvice(error);
  const message = String(error.message);
  // Of Node's message the first line; where it was asked for is in the trace.
  const errorMessage = advice === undefined ? message : `${message.split('\n', 1)[0]}\n${advice}`;
  return { errorType: String(error.name), errorMessage, trace: traceOf(error) };
}

function traceOf(error: { stack?: unknown }): string[] {
  if (typeof error.stack !== 'string') return [];
  return error.stack.slice(0, MAX_ERROR_MESSAGE_CHARS + MAX_TRACE_LINES * MAX_LINE_CHARS).split('\n');
}

function ofValue(thrown: unknown): ErrorResult {
  const text = typeof thrown === 'string' ? thrown : (jsonText(thrown) ?? String(thrown));
  return { errorType: typeof thrown, errorMessage: text, trace: [] };
}
