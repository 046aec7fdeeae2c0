import { setTimeout as delay } from 'node:timers/promises';
import { EdgeError } from '../protocol';

export interface PollOptions {
  /** 90,000 unless told. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

const FIRST_INTERVAL_MS = 25;
const LONGEST_INTERVAL_MS = 1_000;
const GROWTH = 1.2;
/** Lambda tries an event that failed again after one minute. */
const DEFAULT_POLL_MS = 90_000;

/** Asks often at first, for a cloud on this machine, then as seldom as AWS likes it. Throws TIMED_OUT. */
export async function poll<T>(
  what: string,
  { timeoutMs = DEFAULT_POLL_MS, signal }: PollOptions = {},
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let interval = FIRST_INTERVAL_MS; ; interval = Math.min(interval * GROWTH, LONGEST_INTERVAL_MS)) {
    signal?.throwIfAborted();
    const found = await attempt();
    if (found !== undefined) return found;
    if (performance.now() > deadline) {
      throw new EdgeError('TIMED_OUT', `${what} did not appear within ${timeoutMs} ms`);
    }
    await delay(interval, undefined, signal === undefined ? {} : { signal });
  }
}
