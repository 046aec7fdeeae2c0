/** Time as the client sees it; tests bring their own. */
export interface Clock {
  /** Milliseconds since any fixed moment. */
  now(): number;
  setTimeout(callback: () => void, ms: number): { cancel(): void };
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout(callback, ms) {
    const timer = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

export interface Backoff {
  /** Milliseconds before the second attempt. */
  first: number;
  /** No pause is longer, in milliseconds. */
  most: number;
}

/**
 * The pause after attempt number `attempt` (from 0): doubles up to `most`, and loses up to a quarter
 * at random, so that the devices of an edge that restarted do not all come back in the same instant.
 */
export function backoffMs(attempt: number, { first, most }: Backoff, random: () => number): number {
  const full = Math.min(most, first * 2 ** Math.min(attempt, 30));
  return Math.round(full * (1 - random() / 4));
}

/** Resolves after `ms`, or as soon as `signal` is aborted. Never rejects. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.setTimeout(finish, ms);
    signal.addEventListener('abort', finish);
  });
}

/**
 * Runs `work` with a signal of its own, which is aborted with `late()` when `ms` are over, or with
 * the reason of `outer` when that is aborted. Rejects with that reason even if `work` goes on.
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  outer: AbortSignal | undefined,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const forward = (): void => controller.abort(outer?.reason);
  const timer = clock.setTimeout(() => controller.abort(late()), ms);
  outer?.addEventListener('abort', forward);
  if (outer?.aborted) forward();
  try {
    return await unlessAborted(controller.signal, () => work(controller.signal));
  } finally {
    timer.cancel();
    outer?.removeEventListener('abort', forward);
  }
}

/** Rejects with the signal's reason as soon as it is aborted; `start` is not called if it is already. */
export function unlessAborted<T>(signal: AbortSignal, start: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort);
    start()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}
