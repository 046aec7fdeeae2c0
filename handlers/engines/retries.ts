import type { Deployment } from './engine';

const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 60 * 60_000;

/**
 * When a deployment is made again that failed `tries` times through no fault of a function: after a
 * minute, then after twice as long each time, and once an hour in the end. `now` in milliseconds.
 */
export function nextTry(tries: number, now: number): NonNullable<Deployment['again']> {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries - 1, 10));
  return { tries, at: new Date(now + pause).toISOString() };
}

export function isDueAgain({ state, again }: Deployment, now: number): boolean {
  return state === 'failed' && again !== undefined && Date.parse(again.at) <= now;
}
