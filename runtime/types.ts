import type { InstanceLimits } from './instanceBudget';

/** What a host needs to run one version of a function. */
export interface FunctionSpec {
  /** Folder with the unpacked package. */
  directory: string;
  /** `<module path without extension>.<export>` */
  handler: string;
  /** Awaited before each instance loads the code: resolves when that is what was deployed. */
  verifyCode?: () => Promise<void>;
  /** Per instance; enforced by ending the process. */
  memoryMiB: number;
  /** Per call; enforced by ending the process. */
  timeoutMs: number;
  environment: Record<string, string>;
  maxInstances: number;
  /** Calls that may wait for an instance; one more is QUEUE_FULL. */
  maxQueue: number;
  /** Keep at least one instance; otherwise instances retire after `idleMs` without a call. */
  pinned: boolean;
  idleMs: number;
  /** Values of Lambda's `context`. */
  context: { functionName: string; functionVersion: string; invokedFunctionArn: string };
  /** What it may ask of its host; only the host's API knows what that means (hostApi.ts). */
  rights?: unknown;
}

export interface FunctionCall {
  requestId: string;
  event: unknown;
  /** Lambda's `context.clientContext`. */
  clientContext?: unknown;
  /** Shorter than the function's own timeout, if the caller wants it so. */
  timeoutMs?: number;
  /** Whose call it is; only the host's API knows what that means (hostApi.ts). */
  origin?: unknown;
}

export interface FunctionOutcome {
  output: unknown;
  durationMs: number;
}

export interface FunctionHost {
  /**
   * Resolves when one instance has loaded the handler. Throws HANDLER_NOT_FOUND,
   * FUNCTION_INIT_FAILED, FUNCTION_TIMED_OUT (10 s), FUNCTION_OUT_OF_MEMORY, FUNCTION_EXITED. A key
   * that runs already stays as it is.
   */
  start(key: string, spec: FunctionSpec): Promise<void>;
  /**
   * Throws FUNCTION_NOT_DEPLOYED, FUNCTION_ERROR (details: errorType, errorMessage, trace),
   * FUNCTION_TIMED_OUT, FUNCTION_OUT_OF_MEMORY, FUNCTION_EXITED, QUEUE_FULL; RESULT_TOO_LARGE and
   * PAYLOAD_TOO_LARGE over Lambda's 6 MiB; EDGE_LIMIT_EXCEEDED when all others are at work and leave no
   * room for a first instance; TIMED_OUT when the call's own `timeoutMs` passed before an
   * instance was free (it did not run); the errors of start() when a new instance cannot load.
   */
  invoke(key: string, call: FunctionCall): Promise<FunctionOutcome>;
  has(key: string): boolean;
  /** What all instances may take together from now on; undefined: as much as they like. Absent: no limits. */
  limit?(limits: InstanceLimits | undefined): void;
  /** Takes no new calls, lets those in flight finish, then ends the instances. */
  stop(key: string): Promise<void>;
  /** Ends every process at once. */
  close(): Promise<void>;
}
