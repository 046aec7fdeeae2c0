import type { GroupDefinition } from '../../../protocol';
import type { EnginePorts } from '../descriptor';
import type { EngineCapabilities } from '../engine';
import { RecordedEngine, type DeploymentProgress } from '../recordedEngine';

/**
 * The default engine: tells the core that there is a newer revision; the core fetches what it needs by
 * digest and starts it beside what runs. Nothing restarts. Whether it runs is in the core's own status
 * reports.
 */
export class DirectEngine extends RecordedEngine<EnginePorts> {
  readonly name = 'direct';
  readonly capabilities: EngineCapabilities = {
    restartScope: 'function',
    history: true,
    concurrency: 'supersede',
    deliveries: ['hot'],
    targets: [],
    cancel: false,
    follows: false,
  };

  /** A definition without a core is recorded only: there is nobody to tell until one is added. */
  protected async begin({ group, revision, core }: GroupDefinition): Promise<DeploymentProgress> {
    if (core !== undefined) await this.ports.notices.announce(core.thingName, { group, revision });
    return { state: 'announced', ...(core && { core: core.thingName }) };
  }
}
