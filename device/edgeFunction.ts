import type { HandleInvokeOptions, RequestOptions, Sent } from './types';

/** What a handle does through the client that made it. */
export interface HandleCalls {
  invoke<Output>(input: unknown, options: HandleInvokeOptions): Promise<Output>;
  send(input: unknown, options: RequestOptions): Promise<Sent>;
  release(options: RequestOptions): Promise<void>;
}

/** A function that was deployed for this device: the exact version that the edge has ready. */
export class EdgeFunction {
  readonly name: string;
  /** Exact. */
  readonly version: string;
  /** True when it was on the edge already. */
  readonly present: boolean;
  readonly #calls: HandleCalls;

  /** Made by `EdgeClient.deploy`. */
  constructor(ready: { function: string; version: string; present: boolean }, calls: HandleCalls) {
    this.name = ready.function;
    this.version = ready.version;
    this.present = ready.present;
    this.#calls = calls;
  }

  /**
   * Calls the function and returns what it returned. Default timeout 30 s, which the edge enforces too.
   * Throws EdgeError: FUNCTION_ERROR (details: errorType, errorMessage), FUNCTION_TIMED_OUT,
   * FUNCTION_NOT_DEPLOYED (released, or the device moved to another edge: deploy again), QUEUE_FULL,
   * PAYLOAD_TOO_LARGE, TIMED_OUT, DISCONNECTED, ABORTED, CLOSED.
   */
  invoke<Output = unknown>(input?: unknown, options: HandleInvokeOptions = {}): Promise<Output> {
    return this.#calls.invoke<Output>(input, options);
  }

  /**
   * Calls the function asynchronously; its result is discarded. Resolves when the edge's broker has the
   * call. A failure after that is an event `failed` with the same request id. Default timeout 15 s.
   */
  send(input?: unknown, options: RequestOptions = {}): Promise<Sent> {
    return this.#calls.send(input, options);
  }

  /** This device does not need the function any more; the edge may remove it. Default timeout 15 s. */
  release(options: RequestOptions = {}): Promise<void> {
    return this.#calls.release(options);
  }
}
