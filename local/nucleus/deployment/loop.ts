import type { Logger } from 'pino';
import type { DeploymentDocument } from '../../services/greengrass/deployments/document';
import type { ExecutionStatus } from '../../services/greengrass/deployments/schema';
import type { CloudChannel, DeploymentStatus, News } from '../cloud/channel';
import type { NucleusConfig } from '../config';
import type { StatusReporter } from '../statusReporter';
import type { DeploymentExecutor } from './executor';
import { pollingFrequency } from './target';

export interface LoopParts {
  channel: CloudChannel;
  executor: DeploymentExecutor;
  reporter: StatusReporter;
  config: NucleusConfig;
  log: Logger;
  onEvent(event: { event: string; [field: string]: unknown }): void;
}

const LONG_POLL_MS = 20_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 15_000;

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
    while (!this.#stopped.signal.aborted) {
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
      this.#unlessStopped(this.parts.channel.next(waitMs)),
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

  /** Again and again, until it succeeds or the nucleus stops. */
  async #persist<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, LONGEST_RETRY_MS)) {
      try {
        return await work();
      } catch (err) {
        if (this.#stopped.signal.aborted) return undefined;
        this.parts.log.warn({ err, pause }, `${what} failed`);
        await this.#pause(pause);
        if (this.#stopped.signal.aborted) return undefined;
      }
    }
  }

  async #unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    const { signal } = this.#stopped;
    if (signal.aborted) return undefined;
    let stop: (() => void) | undefined;
    const stopped = new Promise<undefined>((resolve) => {
      stop = () => resolve(undefined);
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([work, stopped]);
    } finally {
      if (stop) signal.removeEventListener('abort', stop);
    }
  }

  async #pause(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await this.#unlessStopped(new Promise<void>((resolve) => (timer = setTimeout(resolve, ms))));
    clearTimeout(timer);
  }
}
