// The types of a handler's `context` on an edge. Free of imports: scripts/types.mjs publishes this text.

/**
 * What a function can ask of the edge core that runs it, during a call. Every method rejects with
 * EdgeError (`code`). At most 16 requests are on their way at once; further ones wait.
 */
export interface EdgeCalls {
  /**
   * Publishes to every device that subscribes there. `topic` lies below `<prefix>/shared/` and must be
   * listed under `publishes` of this function; `payload` is JSON of at most 128 KB. Resolves when the
   * core has handed it to its broker (QoS 0). Rejects with NOT_PERMITTED, BAD_REQUEST,
   * PAYLOAD_TOO_LARGE, CLOSED (the call is over).
   */
  publish(topic: string, payload?: unknown): Promise<void>;
  /**
   * Calls another function and returns what it returned. Its name must be listed under `invokes` of this
   * function. Ends with this call's own deadline at the latest. Rejects with NOT_PERMITTED,
   * FUNCTION_NOT_DEPLOYED, TOO_MANY_HOPS (more than 8 functions deep), PAYLOAD_TOO_LARGE and
   * RESULT_TOO_LARGE (128 KB), QUEUE_FULL, TIMED_OUT, CLOUD_UNREACHABLE, CLOSED and the failures of the function itself.
   */
  invoke<Output = unknown>(name: string, input?: unknown, options?: EdgeInvokeOptions): Promise<Output>;
}

export interface EdgeInvokeOptions {
  /** Default `edge`, where it must run. `any`: on the edge if it runs there, in the cloud otherwise. */
  location?: 'edge' | 'cloud' | 'any';
  /** Exact version or semver range. */
  version?: string;
  /** Milliseconds; never longer than this call itself may still run. */
  timeout?: number;
}

/** The second argument of a handler: Lambda's, and `edge` where an edge core runs the function. */
export interface EdgeContext {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  readonly awsRequestId: string;
  /** `custom.device`: thing name of the device that called, on an edge. */
  readonly clientContext?: { readonly custom?: { readonly device?: string } };
  /** Absent on AWS Lambda. */
  readonly edge?: EdgeCalls;
  getRemainingTimeInMillis(): number;
}
