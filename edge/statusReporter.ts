import type { Logger } from 'pino';
import type { CoreStatus } from '../protocol';
import type { Clock, LocalFunctions, Upstream } from './ports';

/** Changes of this span go into one report. */
const GATHER_MS = 20;

/**
 * Reports upstream what runs here, after each change. Reports are numbered per boot, so that the
 * cloud can tell a late one from a newer one.
 */
export class StatusReporter {
  private seq = 0;
  private pending: { cancel(): void } | undefined;
  private current: { state: CoreStatus['state']; revision: number } = { state: 'reconciling', revision: 0 };

  constructor(
    private readonly deps: {
      core: string;
      group: string;
      /** Milliseconds since the epoch at which the process started. */
      boot: number;
      upstream: Upstream;
      local: Pick<LocalFunctions, 'list'>;
      clock: Clock;
      log: Logger;
    },
  ) {
    deps.upstream.on('connected', () => this.changed());
  }

  set(state: CoreStatus['state'], revision: number): void {
    this.current = { state, revision };
    this.changed();
  }

  changed(): void {
    this.pending ??= this.deps.clock.setTimeout(() => {
      this.pending = undefined;
      void this.send();
    }, GATHER_MS);
  }

  /** The last report; resolves when it was sent or could not be. */
  async stop(): Promise<void> {
    this.pending?.cancel();
    this.current = { ...this.current, state: 'stopping' };
    await this.send();
  }

  private async send(): Promise<void> {
    const { upstream, log } = this.deps;
    if (!upstream.connected) return;
    try {
      await upstream.sendStatus(this.report());
    } catch (err) {
      // The next change or connection sends a newer one.
      log.debug({ err }, 'status not sent');
    }
  }

  private report(): CoreStatus {
    const { core, group, boot, local, clock } = this.deps;
    this.seq += 1;
    return {
      core,
      group,
      boot: String(boot).padStart(13, '0'),
      seq: String(this.seq).padStart(10, '0'),
      at: new Date(clock.now()).toISOString(),
      ...this.current,
      functions: local.list().map(({ key, state, error }) => ({ key, state, ...(error && { error }) })),
    };
  }
}
