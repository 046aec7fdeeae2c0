import type { GroupDefinition } from '../../protocol';
import type { Clock, DeploymentRecords, RevisionNotices } from '../ports';
import type { Deployment, DeploymentEngine, EngineCapabilities } from './engine';

export interface DirectEnginePorts {
  notices: RevisionNotices;
  records: DeploymentRecords;
  clock: Clock;
}

/**
 * The default engine: tells the core that there is a newer revision; the core fetches what it needs by
 * digest and starts it beside what runs. Nothing restarts. The record comes after the notice, so a
 * revision without one was perhaps never announced. Whether it runs is in the core's own status reports.
 */
export class DirectEngine implements DeploymentEngine {
  readonly name = 'direct';
  readonly capabilities: EngineCapabilities = {
    restartScope: 'function',
    history: true,
    concurrency: 'supersede',
  };

  constructor(private readonly ports: DirectEnginePorts) {}

  /** A definition without a core is recorded only: there is nobody to tell until one is added. */
  async apply({ group, revision, core }: GroupDefinition): Promise<Deployment> {
    if (core !== undefined) await this.ports.notices.announce(core.thingName, { group, revision });
    const at = new Date(this.ports.clock.now()).toISOString();
    const deployment: Deployment = { group, revision, state: 'announced', at };
    await this.ports.records.write(deployment);
    return deployment;
  }

  async status(group: string, revision: number): Promise<Deployment | undefined> {
    return this.ports.records.read(group, revision);
  }
}
