import {
  DEFAULT_EDGE_LOG_LEVEL,
  LOG_LEVELS,
  type CoreLogs,
  type EdgeLogLevel,
  type LogLine,
} from '../../protocol';
import type { Clock, Timer } from '../../lib/clock';
import { withinTime } from '../../lib/timeLimit';
import { LAST_WORD_MS, type Upstream } from '../ports';

/** Lines are gathered for so long: what a core sends is one message in this time, at most. */
const GATHER_MS = 5_000;
/** Of one batch, and of what is kept while the cloud is away. AWS IoT takes messages of 128 KB. */
const MAX_BYTES = 64 * 1024;
const MAX_LINE_BYTES = 4 * 1024;
const MAX_MESSAGE_CHARS = 1_024;

interface Kept {
  line: LogLine;
  bytes: number;
}

interface ShipperDeps {
  core: string;
  upstream: Upstream;
  clock: Clock;
  /** In force now; asked for each line. */
  level: () => EdgeLogLevel;
}

/**
 * Sends a core's log upstream, from a level on. It is one of the streams of the core's logger, there before
 * anything else is; `connect` tells it where to send. Where there is more than may be sent the oldest lines
 * go, and are counted. It logs nothing itself.
 */
export class LogShipper {
  private kept: Kept[] = [];
  private bytes = 0;
  private dropped = 0;
  private seq = 0;
  private deps: ShipperDeps | undefined;
  private timer: Timer | undefined;
  private sending: Promise<void> | undefined;

  /** A line of the core's log, as pino writes it. */
  write(text: string): void {
    if (levelOf(text) < LOG_LEVELS[this.deps?.level() ?? DEFAULT_EDGE_LOG_LEVEL]) return;
    const line = shortened(text);
    this.keep({ line, bytes: Buffer.byteLength(JSON.stringify(line)) });
    this.arm();
  }

  connect(deps: ShipperDeps): void {
    this.deps = deps;
    if (this.kept.length > 0) this.arm();
  }

  /** Sends what there is; resolves when that is done or could not be in time. */
  async close(): Promise<void> {
    if (this.deps === undefined) return;
    await withinTime(this.deps.clock, LAST_WORD_MS, this.sendRest(), () => undefined);
  }

  private async sendRest(): Promise<void> {
    await this.sending;
    await this.flush();
    this.timer?.cancel();
    this.deps = undefined;
  }

  private keep(added: Kept): void {
    this.kept.push(added);
    this.bytes += added.bytes;
    while (this.bytes > MAX_BYTES) {
      this.bytes -= this.kept.shift()?.bytes ?? 0;
      this.dropped += 1;
    }
  }

  private arm(): void {
    if (this.deps === undefined) return;
    this.timer ??= this.deps.clock.setTimeout(() => {
      this.timer = undefined;
      this.sending = this.flush();
    }, GATHER_MS);
  }

  private async flush(): Promise<void> {
    const { deps, kept, dropped } = this;
    if (deps?.upstream.sendLogs === undefined || kept.length === 0) return;
    [this.kept, this.bytes, this.dropped] = [[], 0, 0];
    try {
      await deps.upstream.sendLogs(this.batch(deps, kept, dropped));
    } catch {
      this.putBack(kept, dropped);
    }
  }

  private batch({ core, clock }: ShipperDeps, kept: readonly Kept[], dropped: number): CoreLogs {
    this.seq += 1;
    return {
      core,
      at: String(clock.now()).padStart(13, '0'),
      seq: String(this.seq).padStart(10, '0'),
      dropped,
      lines: kept.map(({ line }) => line),
    };
  }

  private putBack(failed: readonly Kept[], dropped: number): void {
    const newer = this.kept;
    [this.kept, this.bytes] = [[], 0];
    this.dropped += dropped;
    for (const each of [...failed, ...newer]) this.keep(each);
    this.arm();
  }
}

/** Without parsing: nearly all lines are below the level. */
function levelOf(text: string): number {
  // Exchanges are for the timeline of one machine and are as many as messages, so they are not sent.
  if (text.includes('"event":"exchange"')) return 0;
  const level = Number(/^\{"level":(\d+)/.exec(text)?.[1] ?? 0);
  return level === LOG_LEVELS.info && text.includes('"stream":"stderr"') ? LOG_LEVELS.warn : level;
}

/** Without what every line has; of a long line its beginning. */
function shortened(text: string): LogLine {
  const { core: _core, pid: _pid, hostname: _hostname, ...line } = JSON.parse(text) as LogLine;
  if (text.length <= MAX_LINE_BYTES) return line;
  const { level, time, msg = '', function: name } = line;
  return {
    level,
    time,
    ...(name !== undefined && { function: name }),
    msg: `${msg.slice(0, MAX_MESSAGE_CHARS)}… (cut)`,
  };
}
