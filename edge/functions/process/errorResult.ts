import type { ErrorResult } from '../processMessages';

/** An error travels to a device: it stays far below the MQTT limit of 128 KB, whatever was thrown. */
const MAX_MESSAGE_CHARS = 8192;
const MAX_TRACE_LINES = 40;
const MAX_LINE_CHARS = 512;

/** Any thrown value in the shape in which Lambda reports it. Never throws itself. */
export function toErrorResult(thrown: unknown, errorType?: string): ErrorResult {
  try {
    const result = thrown instanceof Error || looksLikeError(thrown) ? ofError(thrown) : ofValue(thrown);
    return errorType === undefined ? result : { ...result, errorType };
  } catch {
    return { errorType: errorType ?? 'Error', errorMessage: 'an error that cannot be read', trace: [] };
  }
}

/** Errors of another realm (`node:vm`) are no instances of our Error. */
function looksLikeError(thrown: unknown): thrown is Error {
  const candidate = thrown as Partial<Error> | null | undefined;
  return typeof candidate?.message === 'string' && typeof candidate.name === 'string';
}

function ofError(error: Error): ErrorResult {
  return {
    errorType: String(error.name).slice(0, 128),
    errorMessage: String(error.message).slice(0, MAX_MESSAGE_CHARS),
    trace: traceOf(error),
  };
}

function traceOf(error: Error): string[] {
  if (typeof error.stack !== 'string') return [];
  return error.stack
    .slice(0, MAX_MESSAGE_CHARS + MAX_TRACE_LINES * MAX_LINE_CHARS)
    .split('\n')
    .slice(0, MAX_TRACE_LINES)
    .map((line) => line.slice(0, MAX_LINE_CHARS));
}

function ofValue(thrown: unknown): ErrorResult {
  const text = typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? String(thrown));
  return { errorType: typeof thrown, errorMessage: text.slice(0, MAX_MESSAGE_CHARS), trace: [] };
}
