import type { ErrorBody } from '../protocol/errors';
import { MAX_ERROR_MESSAGE_CHARS, MAX_ERROR_TYPE_CHARS } from '../protocol/limits';

/**
 * The messages between a host and a function's process, one per frame. A process gets `init` once,
 * answers `ready` or `failed`, then gets one `call` at a time and answers each with `result` or
 * `error`. During a call it may `ask` the host for something, and gets one `answer` for
 * each. `fatal` says that it is about to end.
 */

/** An error as Lambda reports it. */
export interface ErrorResult {
  errorType: string;
  errorMessage: string;
  trace: string[];
}

/** What every call of one instance finds in its `context`. */
export interface ContextSettings {
  functionName: string;
  functionVersion: string;
  invokedFunctionArn: string;
  memoryLimitInMB: string;
  logGroupName: string;
  logStreamName: string;
}

export interface InitMessage {
  type: 'init';
  /** Folder with the unpacked package. */
  directory: string;
  handler: string;
  environment: Record<string, string>;
  context: ContextSettings;
  /** A result over this many bytes of JSON is refused. */
  maxResultBytes: number;
  api?: OfferedApi;
}

/** What a function may ask of its host, during a call: `context.<name>.<method>(…)`. */
export interface OfferedApi {
  name: string;
  /** The parameters of each method, by name and in order. */
  methods: Readonly<Record<string, readonly string[]>>;
  /** Bytes of JSON that a parameter, and an answer, may have. */
  maxBytes: number;
}

export interface FunctionCallMessage {
  type: 'call';
  requestId: string;
  event: unknown;
  clientContext?: unknown;
  timeoutMs: number;
}

/** To the ask with this id: the output, or why not. */
export type AnswerMessage =
  { type: 'answer'; id: number; output: unknown } | { type: 'answer'; id: number; error: ErrorBody };

export type HostMessage = InitMessage | FunctionCallMessage | AnswerMessage;

export interface HostAskMessage {
  type: 'ask';
  /** New with each ask of this process. */
  id: number;
  /** The call that asks. */
  requestId: string;
  method: string;
  parameters: Record<string, unknown>;
}

export type InitFailureCode = 'HANDLER_NOT_FOUND' | 'FUNCTION_INIT_FAILED';
export type CallFailureCode = 'FUNCTION_ERROR' | 'RESULT_TOO_LARGE';

export type ProcessMessage =
  | { type: 'ready' }
  | { type: 'failed'; code: InitFailureCode; error: ErrorResult }
  | { type: 'result'; requestId: string; output: unknown }
  | { type: 'error'; requestId: string; code: CallFailureCode; error: ErrorResult }
  | HostAskMessage
  | { type: 'fatal'; error: ErrorResult };

/**
 * A message of a process, or undefined if it is none. The function shares the process and may write
 * anything to the descriptor, so the form is checked; by hand, because this is on the way of each call.
 */
function asProcessMessage(value: unknown): ProcessMessage | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  const message = value as Record<string, unknown>;
  switch (message['type']) {
    case 'ready':
      return { type: 'ready' };
    case 'result':
      return typeof message['requestId'] === 'string' ? (value as ProcessMessage) : undefined;
    case 'error':
      return typeof message['requestId'] === 'string' && isCallFailure(message['code'])
        ? withErrorResult(message)
        : undefined;
    case 'failed':
      return isInitFailure(message['code']) ? withErrorResult(message) : undefined;
    case 'fatal':
      return withErrorResult(message);
    case 'ask':
      return isAsk(message) ? (value as HostAskMessage) : undefined;
    default:
      return undefined;
  }
}

/** Throws Error when it is none. */
export function requireProcessMessage(value: unknown): ProcessMessage {
  const message = asProcessMessage(value);
  if (message === undefined) throw new Error('a message of unknown form');
  return message;
}

function isAsk({ id, requestId, method, parameters }: Record<string, unknown>): boolean {
  return (
    typeof id === 'number' &&
    typeof requestId === 'string' &&
    typeof method === 'string' &&
    typeof parameters === 'object' &&
    parameters !== null
  );
}

function isInitFailure(code: unknown): code is InitFailureCode {
  return code === 'HANDLER_NOT_FOUND' || code === 'FUNCTION_INIT_FAILED';
}

function isCallFailure(code: unknown): code is CallFailureCode {
  return code === 'FUNCTION_ERROR' || code === 'RESULT_TOO_LARGE';
}

function withErrorResult(message: Record<string, unknown>): ProcessMessage | undefined {
  const error = message['error'] as Partial<ErrorResult> | null | undefined;
  const complete =
    typeof error?.errorType === 'string' &&
    typeof error.errorMessage === 'string' &&
    Array.isArray(error.trace);
  return complete ? (message as unknown as ProcessMessage) : undefined;
}

export const MAX_TRACE_LINES = 40;
export const MAX_LINE_CHARS = 512;

/** An error travels on to whoever called: it stays far below the 128 KB of a message, whatever was thrown. */
export function boundedError({ errorType, errorMessage, trace }: ErrorResult): ErrorResult {
  return {
    errorType: errorType.slice(0, MAX_ERROR_TYPE_CHARS),
    errorMessage: errorMessage.slice(0, MAX_ERROR_MESSAGE_CHARS),
    trace: trace.slice(0, MAX_TRACE_LINES).map((line: unknown) => String(line).slice(0, MAX_LINE_CHARS)),
  };
}
