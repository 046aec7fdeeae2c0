import type { Logger } from 'pino';
import { boundedReason, statusSlot, type CoreStatus } from '../../protocol';
import type { Clock, Timer } from '../../lib/clock';
import { withinTime } from '../../lib/timeLimit';
import { LAST_WORD_MS, type LocalFunctions, type Upstream } from '../ports';

/** Changes of this span go into one report. */
const GATHER_MS = 20;

/** Seconds between reports when nothing changes. */
const DEFAULT_HEARTBEAT = 60;
/** The cores of a fleet start together and must not report together for ever. */
const JITTER = 0.2;

/**
 * Reports upstream what runs here: after each change, and as a heartbeat when nothing changes, so that
 * a core that is silent is known to be gone. Reports are numbered per boot, so that the cloud can tell a
 * late one from a newer one.
 */
export class StatusReporter {
  private seq = 0;
  private pending: Timer | undefined;
  private beat: Timer | undefined;
  private stopped = false;
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
      wallClock: Pick<Clock, 'now'>;
      log: Logger;
      /** 0 ≤ n < 1 */
      random: () => number;
      /** Seconds; 60 unless told. */
      heartbeat?: number;
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
      void this.send('change');
    }, GATHER_MS);
  }

  /** The last report; resolves when it was sent or could not be in time. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.pending?.cancel();
    this.beat?.cancel();
    this.current = { ...this.current, state: 'stopping' };
    await withinTime(this.deps.clock, LAST_WORD_MS, this.send('change'), () => undefined);
  }

  private async send(reason: 'change' | 'heartbeat'): Promise<void> {
    const { upstream, log } = this.deps;
    this.awaitBeat();
    if (!upstream.connected) return;
    try {
      await upstream.sendStatus(this.report(reason));
    } catch (err) {
      // The next change or connection sends a newer one.
      log.debug({ err }, 'status not sent');
    }
  }

  /** Never later than announced. */
  private awaitBeat(): void {
    const { clock, random } = this.deps;
    this.beat?.cancel();
    if (this.stopped) return;
    const pause = this.heartbeat * 1000 * (1 - JITTER * random());
    this.beat = clock.setTimeout(() => void this.send('heartbeat'), pause);
  }

  private get heartbeat(): number {
    return this.deps.heartbeat ?? DEFAULT_HEARTBEAT;
  }

  private report(reason: 'change' | 'heartbeat'): CoreStatus {
    const { core, group, boot, local, wallClock } = this.deps;
    this.seq += 1;
    return {
      core,
      group,
      boot: String(boot).padStart(13, '0'),
      seq: String(this.seq).padStart(10, '0'),
      slot: reason === 'heartbeat' ? reason : statusSlot(boot, this.seq),
      at: new Date(wallClock.now()).toISOString(),
      heartbeat: this.heartbeat,
      ...this.current,
      // With traces, some that fail would make it more than AWS IoT takes, and no report would come any more.
      functions: local.list().map(({ key, state, error }) => {
        return { key, state, ...(error && { error: boundedReason(error) }) };
      }),
    };
  }
}
