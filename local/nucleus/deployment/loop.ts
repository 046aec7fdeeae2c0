import type { Logger } from 'pino';
import { backoffMs, type Backoff } from '../../../lib/backoff';
import { systemClock } from '../../../lib/clock';
import { pause, unlessAborted } from '../../../lib/timeLimit';
import type { DeploymentDocument } from '../../services/greengrass/deployments/document';
import type { ExecutionStatus } from '../../services/greengrass/deployments/schema';
import type { CloudChannel, DeploymentStatus, News } from '../cloud/channel';
import type { NucleusConfig, NucleusEvent } from '../config';
import type { CoreReporter } from '../coreReporter';
import type { DeploymentExecutor } from './executor';
import { pollingFrequency } from './target';

export interface LoopParts {
  channel: CloudChannel;
  executor: DeploymentExecutor;
  reporter: CoreReporter;
  config: NucleusConfig;
  log: Logger;
  onEvent: (event: NucleusEvent) => void;
}

const LONG_POLL_MS = 20_000;
const RETRY: Backoff = { first: 250, most: 15_000 };

/** Takes one deployment after the other, as the nucleus polls its queue, and reports what becomes of each. */
export class DeploymentLoop {
  readonly #stopped = new AbortController();
  readonly #startedAt = Date.now();
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly parts: LoopParts) {}

  start(): void {
    this.#running = this.#run();
  }

  /** A deployment under way is finished first; waiting for the next one ends. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    this.parts.reporter.changed();
    while (!this.#isStopped()) {
      const news = await this.#next(LONG_POLL_MS);
      if (news?.deployment === undefined) continue;
      await this.#pause(this.#untilNextPoll());
      // A newer revision may have taken its place meanwhile.
      const latest = await this.#next(0);
      if (latest?.deployment !== undefined) await this.#execute(latest.deployment, latest.targets);
    }
  }

  #next(waitMs: number): Promise<News | undefined> {
    return this.#persist('asking for deployments', () =>
      unlessAborted(this.#stopped.signal, () => this.parts.channel.next(waitMs)),
    );
  }

  async #execute(document: DeploymentDocument, targets: readonly string[]): Promise<void> {
    const { executor, reporter, onEvent } = this.parts;
    const { deploymentId } = document;
    if ((await this.#report({ deploymentId, status: 'IN_PROGRESS' })) !== 'IN_PROGRESS') return;
    onEvent({ event: 'deployment', deploymentId, status: 'IN_PROGRESS' });
    const outcome = await executor.run(document, targets);
    reporter.changed();
    await this.#report({ deploymentId, ...outcome });
    onEvent({ event: 'deployment', deploymentId, ...outcome });
  }

  /** What the deployment is on this core afterwards: it may have been canceled before. */
  #report(deployment: DeploymentStatus): Promise<ExecutionStatus | undefined> {
    const { channel, reporter } = this.parts;
    return this.#persist('reporting a deployment', () =>
      channel.report({ core: reporter.current(), deployment }),
    );
  }

  /** The nucleus looks at its queue in this rhythm, whenever a deployment came in. */
  #untilNextPoll(): number {
    const { executor, config } = this.parts;
    const seconds = pollingFrequency(executor.components) ?? config.deploymentPollingFrequencySeconds;
    const period = seconds * 1_000;
    return period - ((Date.now() - this.#startedAt) % period);
  }

  /** At least once; again and again until it succeeds or the nucleus stops. */
  async #persist<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 0; attempt === 0 || !this.#isStopped(); attempt += 1) {
      try {
        return await work();
      } catch (err) {
        if (this.#isStopped()) break;
        const wait = backoffMs(attempt, RETRY);
        this.parts.log.warn({ err, pause: wait }, `${what} failed`);
        await this.#pause(wait);
      }
    }
    return undefined;
  }

  #pause(ms: number): Promise<void> {
    return pause(ms, this.#stopped.signal, systemClock);
  }

  /** Asked anew after each waiting. */
  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }
}
