import { backoffMs } from '../../lib/backoff';
import { EdgeError, type GroupDefinition } from '../../protocol';
import { requireCapabilities } from './capabilities';
import type { EnginePorts } from './descriptor';
import type { Deployment, DeploymentEngine, EngineCapabilities } from './engine';

/** Pauses before a deployment is made again that failed through no fault of a function. Milliseconds. */
const AGAIN = { first: 60_000, most: 60 * 60_000 };

export function isDueAgain({ state, again }: Deployment, now: number): boolean {
  return state === 'failed' && again !== undefined && Date.parse(again.at) <= now;
}

/** What an engine says of a deployment; the rest of the record is the same for all of them. */
export interface DeploymentProgress extends Omit<Deployment, 'group' | 'revision' | 'at'> {
  /** The reason of a failed deployment may pass as it came, so that it is worth making it again. */
  mayPass?: boolean;
}

/**
 * What all engines share: one record per revision, written whenever its state changes. The record comes
 * after the engine's own call, so a revision without one was perhaps never begun.
 */
export abstract class RecordedEngine<Ports extends EnginePorts> implements DeploymentEngine {
  abstract readonly name: DeploymentEngine['name'];
  abstract readonly capabilities: EngineCapabilities;

  constructor(protected readonly ports: Ports) {}

  /** Throws EdgeError; one that is not retryable becomes a failed deployment. */
  protected abstract begin(definition: GroupDefinition): Promise<DeploymentProgress>;

  /** Where a deployment stands now; undefined when the engine has lost it. */
  protected async follow(deployment: Deployment): Promise<DeploymentProgress | undefined> {
    return deployment;
  }

  /** Whether a look at the engine can tell more than the record. */
  protected mayHaveChanged({ state }: Deployment): boolean {
    return state === 'inProgress';
  }

  /** Cancels one that is in flight. */
  protected async end(deployment: Deployment): Promise<DeploymentProgress> {
    throw this.cannotCancel(deployment);
  }

  async apply(definition: GroupDefinition, before?: Deployment): Promise<Deployment> {
    const { group, revision } = definition;
    try {
      requireCapabilities(this, definition);
      return await this.recordBegun(group, revision, await this.begin(definition), before);
    } catch (thrown) {
      if (!(thrown instanceof EdgeError) || thrown.retryable) throw thrown;
      const refused = { state: 'failed' as const, error: thrown.toJSON() };
      return this.record(group, revision, { ...refused, mayPass: thrown.code !== 'UNSUPPORTED' }, before);
    }
  }

  async recorded(group: string, revision: number): Promise<Deployment | undefined> {
    return this.ports.records.read(group, revision);
  }

  async status(group: string, revision: number): Promise<Deployment | undefined> {
    const known = await this.ports.records.read(group, revision);
    if (known === undefined || !this.mayHaveChanged(known)) return known;
    const now = await this.follow(known);
    if (now === undefined) return undefined;
    if (now.state === known.state && now.engineId === known.engineId) return known;
    return this.record(group, revision, now, known);
  }

  async cancel(group: string, revision: number): Promise<Deployment | undefined> {
    if (!this.capabilities.cancel) throw this.cannotCancel({ group, revision });
    const known = await this.status(group, revision);
    if (known?.state !== 'inProgress') return known;
    return this.record(group, revision, await this.end(known));
  }

  /** A deployment can end, and its end be recorded, before whoever began it gets to this. */
  private async recordBegun(
    group: string,
    revision: number,
    begun: DeploymentProgress,
    before: Deployment | undefined,
  ): Promise<Deployment> {
    const { engineId, state } = begun;
    if (engineId !== undefined && (state === 'inProgress' || state === 'superseded')) {
      const known = await this.ports.records.read(group, revision);
      const isOver = known?.state === 'failed' || known?.state === 'succeeded';
      if (isOver && (state === 'superseded' || known.engineId === engineId)) return known;
    }
    return this.record(group, revision, begun, before);
  }

  protected async record(
    group: string,
    revision: number,
    { mayPass = false, again: _earlier, ...progress }: DeploymentProgress,
    before?: Deployment,
  ): Promise<Deployment> {
    const again = this.againAfter({ ...progress, mayPass }, before);
    const deployment = { ...progress, ...(again && { again }), group, revision, at: this.now() };
    await this.ports.records.write(deployment);
    return deployment;
  }

  /** Tries are counted until one has come to another end. */
  private againAfter(
    { state, mayPass }: DeploymentProgress,
    before: Deployment | undefined,
  ): Deployment['again'] {
    if (state === 'inProgress' || state === 'waiting') return before?.again;
    if (state !== 'failed' || !mayPass) return undefined;
    const tries = (before?.again?.tries ?? 0) + 1;
    return { tries, at: new Date(this.ports.clock.now() + backoffMs(tries - 1, AGAIN)).toISOString() };
  }

  protected now(): string {
    return new Date(this.ports.clock.now()).toISOString();
  }

  private cannotCancel({ group, revision }: Pick<Deployment, 'group' | 'revision'>): EdgeError {
    return new EdgeError('UNSUPPORTED', `engine ${this.name} cannot cancel a deployment`, {
      details: { engine: this.name, group, revision },
    });
  }
}
