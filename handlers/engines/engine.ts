import type { ErrorBody, GroupDefinition } from '../../protocol';

/**
 * A deployment engine brings a group's definition to its edge core. Applying is idempotent by group
 * and revision; a newer revision supersedes the one in flight.
 */
export interface DeploymentEngine {
  readonly name: 'direct' | 'greengrassv2' | 'greengrass';
  readonly capabilities: EngineCapabilities;
  /** Starts bringing `definition` to its core. Throws EdgeError (UNSUPPORTED, CLOUD_ERROR, …). */
  apply(definition: GroupDefinition): Promise<Deployment>;
  status(group: string, revision: number): Promise<Deployment | undefined>;
}

export interface EngineCapabilities {
  /** What restarts on the edge when one function changes. */
  restartScope: 'function' | 'component' | 'core';
  /** Whether past deployments can be listed. */
  history: boolean;
  /** How a second deployment relates to the one in flight. */
  concurrency: 'supersede' | 'replace' | 'wait';
}

export interface Deployment {
  group: string;
  revision: number;
  /** `offline` is a state of the edge, never of a deployment. */
  state: 'announced' | 'running' | 'superseded' | 'failed';
  /** ISO 8601. */
  at: string;
  error?: ErrorBody;
}
