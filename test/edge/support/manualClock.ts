import type { Clock } from '../../../lib/clock';

interface Timer {
  at: number;
  order: number;
  callback(): void;
}

/** A clock that moves only when a test says so. */
export class ManualClock implements Clock {
  private time = 1_800_000_000_000;
  private order = 0;
  private readonly timers = new Set<Timer>();

  now(): number {
    return this.time;
  }

  setTimeout(callback: () => void, ms: number): { cancel(): void } {
    const timer = { at: this.time + ms, order: this.order++, callback };
    this.timers.add(timer);
    return { cancel: () => this.timers.delete(timer) };
  }

  /** Runs every timer that falls due, in order, letting promises settle around each. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const due = [...this.timers]
        .filter((timer) => timer.at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (due === undefined) break;
      this.timers.delete(due);
      this.time = Math.max(this.time, due.at);
      due.callback();
      await settle();
    }
    this.time = end;
    await settle();
  }

  /** The process that set them is gone. */
  forgetTimers(): void {
    this.timers.clear();
  }

  get pending(): number {
    return this.timers.size;
  }
}

/** Lets everything run that waits for promises only. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
