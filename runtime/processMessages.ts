import type { ErrorBody } from '../protocol/errors';
import type { InvokeLocation } from '../protocol/messages';

/**
 * The messages between the core and a function's process, one per frame. A process gets `init` once,
 * answers `ready` or `failed`, then gets one `call` at a time and answers each with `result` or
 * `error`. During a call it may ask for something with `publish` and `invoke`, and gets one `answer` for
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
  /** The host answers `publish` and `invoke`. */
  answersAsks: boolean;
}

export interface CallMessage {
  type: 'call';
  requestId: string;
  event: unknown;
  clientContext?: unknown;
  timeoutMs: number;
}

/** To the ask with this id: the output, or why not. */
export type AnswerMessage =
  { type: 'answer'; id: number; output: unknown } | { type: 'answer'; id: number; error: ErrorBody };

export type HostMessage = InitMessage | CallMessage | AnswerMessage;

interface Ask {
  /** New with each ask of this process. */
  id: number;
  /** The call that asks. */
  requestId: string;
}

export interface PublishAsk extends Ask {
  type: 'publish';
  /** Below `<prefix>/shared/`. */
  topic: string;
  payload?: unknown;
}

export interface InvokeAsk extends Ask {
  type: 'invoke';
  function: string;
  input?: unknown;
  location?: InvokeLocation;
  version?: string;
  timeoutMs?: number;
}

export type InitFailureCode = 'HANDLER_NOT_FOUND' | 'FUNCTION_INIT_FAILED';
export type CallFailureCode = 'FUNCTION_ERROR' | 'RESULT_TOO_LARGE';

export type ProcessMessage =
  | { type: 'ready' }
  | { type: 'failed'; code: InitFailureCode; error: ErrorResult }
  | { type: 'result'; requestId: string; output: unknown }
  | { type: 'error'; requestId: string; code: CallFailureCode; error: ErrorResult }
  | PublishAsk
  | InvokeAsk
  | { type: 'fatal'; error: ErrorResult };

/**
 * A message of a process, or undefined if it is none. The function shares the process and may write
 * anything to the descriptor, so the form is checked; by hand, because this is on the way of each call.
 */
export function asProcessMessage(value: unknown): ProcessMessage | undefined {
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
    case 'publish':
      return isAsk(message) && typeof message['topic'] === 'string' ? (value as PublishAsk) : undefined;
    case 'invoke':
      return isAsk(message) && isInvocation(message) ? (value as InvokeAsk) : undefined;
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

function isAsk({ id, requestId }: Record<string, unknown>): boolean {
  return typeof id === 'number' && typeof requestId === 'string';
}

const LOCATIONS: readonly unknown[] = [undefined, 'edge', 'cloud', 'any'] satisfies (
  InvokeLocation | undefined
)[];

function isInvocation(message: Record<string, unknown>): boolean {
  const { function: name, location, version, timeoutMs } = message;
  return (
    typeof name === 'string' &&
    LOCATIONS.includes(location) &&
    (version === undefined || typeof version === 'string') &&
    (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs > 0))
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
