/**
 * One step of a request's way, as every part logs it: who spoke to whom, about what, in which step
 * of the flow. `sls edge dev` and the demo merge them into a timeline by `at`.
 */
export interface Exchange {
  /** When it was over, in milliseconds since the epoch, with fraction. */
  at: number;
  from: string;
  to: string;
  what: string;
  step: FlowStep;
  requestId?: string;
  /** How long it took, where it has a length. */
  ms?: number;
  ok?: boolean;
  /** What it is about, where it is about one. */
  function?: string;
  error?: ExchangeError;
}

export interface ExchangeError {
  code: string;
  message: string;
  /** Of what a function threw: lines of its stack. */
  trace?: string[];
}

export type FlowStep = 'set-up' | 'join' | 'stage I' | 'stage II' | 'invoke' | 'refusal';

/** Milliseconds since the epoch with sub-millisecond resolution. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}
