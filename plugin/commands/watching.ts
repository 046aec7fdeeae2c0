import { systemClock } from '../../lib/clock';
import { pause } from '../../lib/timeLimit';
import { EdgeError } from '../../protocol';
import { flag, type CommandContext } from './command';

const POLL_MS = 2_000;
const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `--since`, in milliseconds. Throws BAD_REQUEST. */
export function durationOf(given: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(given) ?? [];
  if (count !== undefined && unit !== undefined) return Number(count) * (UNITS[unit] ?? 0);
  throw new EdgeError('BAD_REQUEST', `--since: found ${given}`, { expected: 'such as 90s, 30m, 12h or 7d' });
}

/**
 * With `--tail`, prints `first` and what comes until SIGINT or SIGTERM, a line each; with `--json` one document
 * per line. False without it.
 */
export async function tail<T>(
  { utils, options }: CommandContext,
  line: (item: T) => string,
  first: readonly T[],
  next: () => Promise<readonly T[]>,
): Promise<boolean> {
  if (!flag(options, 'tail')) return false;
  const print = (items: readonly T[]): void => {
    for (const item of items) utils.writeText(flag(options, 'json') ? JSON.stringify(item) : line(item));
  };
  print(first);
  const stop = new AbortController();
  const isStopped = (): boolean => stop.signal.aborted;
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    while (!isStopped()) {
      await pause(POLL_MS, stop.signal, systemClock);
      if (!isStopped()) print(await next());
    }
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
  return true;
}
