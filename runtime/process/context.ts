import type { EdgeCalls } from '../../protocol/edgeContext';
import type { CallMessage, ContextSettings } from '../processMessages';

/** How a handler ends a call that does not return a promise. */
export interface Completion {
  succeed(output?: unknown): void;
  fail(error?: unknown): void;
}

/** Lambda's `context` for one call, and `edge` where a core answers. */
export function createContext(
  call: CallMessage,
  settings: ContextSettings,
  completion: Completion,
  edge?: EdgeCalls,
) {
  const deadline = performance.now() + call.timeoutMs;
  return {
    ...settings,
    ...(edge && { edge }),
    awsRequestId: call.requestId,
    clientContext: call.clientContext,
    identity: undefined,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(deadline - performance.now())),
    succeed: completion.succeed,
    fail: completion.fail,
    done: (error?: unknown, output?: unknown) =>
      error === undefined || error === null ? completion.succeed(output) : completion.fail(error),
  };
}
