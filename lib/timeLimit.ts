import { backgroundClock, type Clock } from './clock';

type TimerClock = Pick<Clock, 'setTimeout'>;

/**
 * What `work` gives; when it takes longer than `ms`, what `late` gives or throws. The work is not stopped,
 * and what becomes of it then is ignored.
 */
export function withinTime<T, U>(
  clock: TimerClock,
  ms: number,
  work: Promise<T>,
  late: () => U,
): Promise<T | U> {
  return new Promise<T | U>((resolve, reject) => {
    const timer = clock.setTimeout(() => {
      try {
        resolve(late());
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    }, ms);
    work
      .finally(() => {
        timer.cancel();
      })
      .then(resolve, reject);
  });
}

/**
 * Runs `work` with a signal of its own, which is aborted with `late()` when `ms` are over, or with
 * the reason of `outer` when that is aborted. Rejects with that reason even if `work` goes on.
 */
export async function abortedAfter<T>(
  clock: TimerClock,
  ms: number,
  outer: AbortSignal | undefined,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const forward = (): void => {
    controller.abort(outer?.reason);
  };
  const timer = clock.setTimeout(() => {
    controller.abort(late());
  }, ms);
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
    const abort = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort);
    start()
      .then(resolve, reject)
      .finally(() => {
        signal.removeEventListener('abort', abort);
      });
  });
}

/** Resolves after `ms`, or as soon as `signal` is aborted. Never rejects. Keeps no process alive unless the clock does. */
export function pause(ms: number, signal?: AbortSignal, clock: TimerClock = backgroundClock): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const finish = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.setTimeout(finish, ms);
    signal?.addEventListener('abort', finish);
  });
}
