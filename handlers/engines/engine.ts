import type { Delivery, ErrorBody, GroupDefinition } from '../../protocol';

/**
 * A deployment engine brings a group's definition to its edge core. Applying is idempotent by group
 * and revision; a newer revision supersedes the one in flight.
 */
export interface DeploymentEngine {
  /** As `edge.engine` names it. */
  readonly name: string;
  readonly capabilities: EngineCapabilities;
  /**
   * Starts bringing `definition` to its core. What can never succeed (an option that the engine lacks,
   * a function that it cannot deliver) is a deployment in state `failed`, not an exception. Throws
   * EdgeError where the same call may succeed later, and the faults of ports.
   *
   * `before`: the record of this revision's deployment where there is one; it is due again then.
   */
  apply(definition: GroupDefinition, before?: Deployment): Promise<Deployment>;
  /** What is on record of that revision's deployment; asks nobody. */
  recorded(group: string, revision: number): Promise<Deployment | undefined>;
  /**
   * How that revision's deployment stands; one in flight is looked up and its record brought up to
   * date. Undefined when the engine does not have it, or has lost it to somebody else's deployment:
   * it should be applied (again).
   */
  status(group: string, revision: number): Promise<Deployment | undefined>;
  /** Ends a deployment in flight. Throws EdgeError UNSUPPORTED where `capabilities.cancel` is false. */
  cancel(group: string, revision: number): Promise<Deployment | undefined>;
  /** The group that an event of the engine's service is about; undefined when it is about none. */
  groupOf?(event: unknown): Promise<string | undefined>;
}

export interface EngineCapabilities {
  /** What restarts on the edge when one function changes. */
  restartScope: 'function' | 'component' | 'core';
  /** Whether past deployments can be listed. */
  history: boolean;
  /** How a second deployment relates to the one in flight. */
  concurrency: 'supersede' | 'replace' | 'wait';
  /** How functions come to the core. */
  deliveries: readonly Delivery[];
  /** What a deployment may be made for. */
  targets: readonly ('core' | 'thingGroup')[];
  /** Whether a deployment in flight can be cancelled. */
  cancel: boolean;
  /** Whether a deployment has an outcome of its own, beside what the core reports: events and the sweep follow it. */
  follows: boolean;
}

/**
 * `announced`: the core was told; what it makes of it is in its own reports. `waiting`: not begun, for
 * the reason in `error`; the next event or sweep tries again. `superseded`: a newer revision took its place.
 */
type DeploymentState = 'announced' | 'waiting' | 'inProgress' | 'succeeded' | 'superseded' | 'failed';

export interface Deployment {
  group: string;
  revision: number;
  /** `offline` is a state of the edge, never of a deployment. */
  state: DeploymentState;
  /** ISO 8601: since when it is in that state. */
  at: string;
  error?: ErrorBody;
  /** The engine's own id of it. */
  engineId?: string;
  /** ARN of the thing or thing group that it is for, where the engine deploys to one. */
  targetArn?: string;
  /** Thing name of the core. */
  core?: string;
  /** The functions that made a failed deployment fail, by `name@version`, as far as the engine can tell. */
  failures?: Record<string, FunctionFailure>;
  /**
   * Of one that failed for another reason, which may pass as it came (a full disk, a network, a missing
   * permission): how often so far, and from when on (ISO 8601) a sweep makes it again.
   */
  again?: { tries: number; at: string };
}

export interface FunctionFailure {
  error: ErrorBody;
  /** The version of the function that the edge runs instead, if it runs one. */
  running?: string;
}
