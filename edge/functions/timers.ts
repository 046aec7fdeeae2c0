import type { Clock } from '../ports';

/** Timers by name, at most one of each. */
export class Timers<Name extends string> {
  private readonly running = new Map<Name, { cancel(): void }>();

  constructor(private readonly clock: Clock) {}

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
