import type { Logger } from 'pino';
import { systemClock, type Clock } from '../../../lib/clock';
import { parseSchedule } from './expression';

interface ScheduledTarget {
  /** What fires: the ARN of the rule or schedule. */
  arn: string;
  expression: string;
  /** `at` in milliseconds since the epoch: when it was due. */
  fire(at: number): Promise<void>;
}

export interface Scheduler {
  /** Starts the clock of a schedule; the same ARN again replaces it. Throws a TypeError for a bad expression. */
  put(target: ScheduledTarget): void;
  remove(arn: string): void;
  close(): void;
}

/** setTimeout's longest delay; a later date is waited for in several steps. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

export function createScheduler(log: Logger, timers: Clock = systemClock): Scheduler {
  const pending = new Map<string, { cancel(): void }>();

  function remove(arn: string): void {
    pending.get(arn)?.cancel();
    pending.delete(arn);
  }

  return {
    put(target) {
      const schedule = parseSchedule(target.expression);
      remove(target.arn);
      const arm = (from: number): void => {
        const due = schedule.next(from);
        if (due !== undefined) waitUntil(due);
      };
      const waitUntil = (due: number): void => {
        const delay = Math.max(0, due - timers.now());
        const timer = timers.setTimeout(
          () => {
            if (delay > LONGEST_DELAY_MS) {
              waitUntil(due);
              return;
            }
            // A machine that slept fires once, not once per missed time.
            arm(Math.max(due, timers.now()));
            target.fire(due).catch((error: unknown) => {
              log.warn({ err: error, schedule: target.arn }, 'scheduled invocation failed');
            });
          },
          Math.min(delay, LONGEST_DELAY_MS),
        );
        pending.set(target.arn, timer);
      };
      arm(timers.now());
    },
    remove,
    close() {
      for (const timer of pending.values()) timer.cancel();
      pending.clear();
    },
  };
}
