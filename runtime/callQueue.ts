import { EdgeError } from '../protocol/errors';
import type { Clock, Timer } from '../lib/clock';
import type { FunctionCall, FunctionOutcome } from './types';

export interface WaitingCall {
  call: FunctionCall;
  /** Milliseconds since the epoch. */
  since: number;
  resolve: (outcome: FunctionOutcome | Promise<FunctionOutcome>) => void;
  reject: (error: unknown) => void;
  timer?: Timer;
}

/** Calls that wait for an instance, oldest first. A call leaves when its caller's time is up. */
export class CallQueue {
  private readonly waiting = new Set<WaitingCall>();

  constructor(private readonly clock: Clock) {}

  get length(): number {
    return this.waiting.size;
  }

  /** The time at which the oldest call came, in milliseconds since the epoch. */
  get oldestSince(): number | undefined {
    return this.waiting.values().next().value?.since;
  }

  /** Settles as the call does; throws TIMED_OUT when it waited for all of its `timeoutMs`. */
  add(call: FunctionCall): Promise<FunctionOutcome> {
    return new Promise((resolve, reject) => {
      const waiting: WaitingCall = { call, since: this.clock.now(), resolve, reject };
      this.waiting.add(waiting);
      if (call.timeoutMs !== undefined) this.limit(waiting, call.timeoutMs);
    });
  }

  take(): WaitingCall | undefined {
    const first = this.waiting.values().next().value;
    if (first === undefined) return undefined;
    this.waiting.delete(first);
    first.timer?.cancel();
    return first;
  }

  rejectAll(error: EdgeError): void {
    const all = [...this.waiting];
    this.waiting.clear();
    for (const waiting of all) {
      waiting.timer?.cancel();
      waiting.reject(error);
    }
  }

  private limit(waiting: WaitingCall, timeoutMs: number): void {
    waiting.timer = this.clock.setTimeout(() => {
      this.waiting.delete(waiting);
      waiting.reject(
        new EdgeError('TIMED_OUT', `no instance was free within ${timeoutMs} ms; the call did not run`),
      );
    }, timeoutMs);
  }
}
