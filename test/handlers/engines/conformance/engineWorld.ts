import type { FunctionManifest, GroupDefinition } from '../../../../protocol';
import type { DeploymentEngine } from '../../../../handlers/engines/engine';
import type { MemoryDeploymentRecords } from '../../memory/messages';

/**
 * An engine with the service that it deploys through, as far as the conformance suite needs it. The
 * service is the local cloud's, spoken to with the SDK's own client; the suite says what the core does.
 */
export interface EngineWorld {
  engine: DeploymentEngine;
  records: MemoryDeploymentRecords;
  /** What the group says of its engine; left out, nothing. */
  options?: GroupDefinition['engine'];
  /** Options that the engine lacks. */
  lacking: NonNullable<GroupDefinition['engine']>[];
  /** A registered version that this engine can deliver. */
  version(name: string, version: string): FunctionManifest;
  /** What the edge was told last. `functions`: `name@version`, absent where the core reads them from the definition. */
  told(): Promise<{ revision?: number; functions?: string[] }>;
  /** How many deployments the service was given; for an engine without a service, notices. */
  deployments(): Promise<number>;
  /** The core brings the deployment in flight to a good end. */
  succeed(): Promise<void>;
  /**
   * The core fails the deployment in flight because of this function. Absent where deployments say
   * nothing of functions: then the core tells of them by an update of its own.
   */
  fail?(manifest: FunctionManifest): Promise<void>;
  /** The core fails the deployment in flight for a reason that lies in no function. */
  failOtherwise?(): Promise<void>;
  /** The last event of the service, as EventBridge delivers it. */
  event?(): unknown;
  close(): Promise<void>;
}
