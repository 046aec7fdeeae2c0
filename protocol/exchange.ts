/**
 * One step of a request's way, as every part logs it: who spoke to whom, about what, in which step
 * of the flow. `sls edge dev` and the demo merge them into a timeline by `at`.
 */
export interface Exchange {
  /** Milliseconds since the epoch, with fraction. */
  at: number;
  from: string;
  to: string;
  what: string;
  step: FlowStep;
  requestId?: string;
  /** How long it took, where it has a length. */
  ms?: number;
  ok?: boolean;
}

export type FlowStep = 'set-up' | 'join' | 'stage I' | 'stage II' | 'invoke' | 'refusal';

/** Milliseconds since the epoch with sub-millisecond resolution. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}
