import type { FunctionCallMessage, ContextSettings } from '../processMessages';
import type { Handler } from './loader';

/** Calls back when nothing is left to run in this process; the result cancels. */
export type WhenIdle = (callback: () => void) => () => void;

/** How a handler ends a call that does not return a promise. */
export interface Completion {
  succeed: (output?: unknown) => void;
  fail: (error?: unknown) => void;
}

export interface CallSurroundings {
  settings: ContextSettings;
  /** Further members of `context`: what the host offers. */
  offered: Readonly<Record<string, unknown>>;
  whenIdle: WhenIdle;
}

/**
 * Runs one call of a handler and completes it once, whichever of promise, callback,
 * `context.succeed/fail/done` or return value comes first.
 *
 * A handler that takes no callback may return a value, as on Lambda since nodejs24.x. One that does
 * neither completes with null once nothing is left to run, as on Lambda before.
 */
export function runCall(
  handler: Handler,
  call: FunctionCallMessage,
  completion: Completion,
  { settings, offered, whenIdle }: CallSurroundings,
): void {
  let completed = false as boolean;
  let stopWaiting: (() => void) | undefined;
  const once = (complete: (value: unknown) => void) => (value?: unknown) => {
    if (completed) return;
    completed = true;
    stopWaiting?.();
    complete(value);
  };
  const succeed = once(completion.succeed);
  const fail = once(completion.fail);
  const context = createContext(call, { ...settings, ...offered }, { succeed, fail });
  try {
    const returned = handler(call.event, context, context.done);
    if (isThenable(returned)) returned.then(succeed, fail);
    else if (returned !== undefined && handler.length < 3) succeed(returned);
    else if (!completed) stopWaiting = whenIdle(() => succeed(null));
  } catch (thrown) {
    fail(thrown);
  }
}

/** Lambda's `context` for one call. */
function createContext(call: FunctionCallMessage, members: object, { succeed, fail }: Completion) {
  const deadline = performance.now() + call.timeoutMs;
  return {
    ...members,
    awsRequestId: call.requestId,
    clientContext: call.clientContext,
    identity: undefined,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(deadline - performance.now())),
    succeed,
    fail,
    done: (error?: unknown, output?: unknown) => {
      if (error === undefined || error === null) succeed(output);
      else fail(error);
    },
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
