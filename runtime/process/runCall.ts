import type { EdgeCalls } from '../../protocol/edgeContext';
import type { CallMessage, ContextSettings } from '../processMessages';
import { createContext, type Completion } from './context';
import type { Handler } from './loader';

/** Calls back when nothing is left to run in this process; the result cancels. */
export type WhenIdle = (callback: () => void) => () => void;

/**
 * Runs one call of a handler and completes it once, whichever of promise, callback,
 * `context.succeed/fail/done` or return value comes first.
 *
 * A handler that takes no callback may return a value, as on Lambda since nodejs24.x. One that does
 * neither completes with null once nothing is left to run, as on Lambda before.
 */
export function runCall(
  handler: Handler,
  call: CallMessage,
  settings: ContextSettings,
  completion: Completion,
  whenIdle: WhenIdle,
  edge?: EdgeCalls,
): void {
  let completed = false;
  let stopWaiting: (() => void) | undefined;
  const once = (complete: (value: unknown) => void) => (value?: unknown) => {
    if (completed) return;
    completed = true;
    stopWaiting?.();
    complete(value);
  };
  const succeed = once(completion.succeed);
  const fail = once(completion.fail);
  const context = createContext(call, settings, { succeed, fail }, edge);
  try {
    const returned = handler(call.event, context, context.done);
    if (isThenable(returned)) returned.then(succeed, fail);
    else if (returned !== undefined && handler.length < 3) succeed(returned);
    else if (!completed) stopWaiting = whenIdle(() => succeed(null));
  } catch (thrown) {
    fail(thrown);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
