import { setTimeout as delay } from 'node:timers/promises';
import { EdgeError } from '../../protocol';

const POLL_MS = 2_000;
const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `--since`, in milliseconds. Throws BAD_REQUEST. */
export function durationOf(given: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(given) ?? [];
  if (count !== undefined && unit !== undefined) return Number(count) * (UNITS[unit] ?? 0);
  throw new EdgeError('BAD_REQUEST', `--since: found ${given}`, { expected: 'such as 90s, 30m, 12h or 7d' });
}

/** Works every two seconds until SIGINT or SIGTERM. */
export async function untilInterrupted(work: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    while (!stop.signal.aborted) {
      await delay(POLL_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      if (!stop.signal.aborted) await work();
    }
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
