/** Time and timers; a test brings its own. */
export interface Clock {
  /** Milliseconds: since the epoch for wall clocks, since any fixed moment for monotonic ones. */
  now(): number;
  setTimeout(callback: () => void, ms: number): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The wall clock. Its timers keep the process alive. */
export const systemClock: Clock = { now: () => Date.now(), setTimeout: startTimer };

/** The wall clock, for work that may not keep the process alive. */
export const backgroundClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, ms) => startTimer(callback, ms, false),
};

/** Never jumps, whatever happens to the wall clock. Its timers keep the process alive. */
export const monotonicClock: Clock = { now: () => performance.now(), setTimeout: startTimer };

/** Never jumps, for work that may not keep the process alive. */
export const backgroundMonotonicClock: Clock = { ...backgroundClock, now: () => performance.now() };

function startTimer(callback: () => void, ms: number, keepsAlive = true): Timer {
  const timer = setTimeout(callback, ms);
  if (!keepsAlive) timer.unref();
  return {
    cancel: () => {
      clearTimeout(timer);
    },
  };
}

/** Timers by name, at most one of each. */
export class Timers<Name extends string> {
  private readonly running = new Map<Name, Timer>();

  constructor(private readonly clock: Pick<Clock, 'setTimeout'>) {}

  has(name: Name): boolean {
    return this.running.has(name);
  }

  /** Replaces the timer of that name, if there is one. */
  set(name: Name, ms: number, callback: () => void): void {
    this.cancel(name);
    const timer = this.clock.setTimeout(() => {
      this.running.delete(name);
      callback();
    }, ms);
    this.running.set(name, timer);
  }

  cancel(name: Name): void {
    this.running.get(name)?.cancel();
    this.running.delete(name);
  }

  cancelAll(): void {
    for (const name of [...this.running.keys()]) this.cancel(name);
  }
}
