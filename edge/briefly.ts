import type { Clock } from '../lib/clock';
import { withinTime } from '../lib/timeLimit';

const LONGEST_MS = 2_000;

/** Waits for a last word to the cloud, but not for long: a link that swallows it must not hold up a stop. */
export async function briefly(clock: Clock, said: Promise<unknown>): Promise<void> {
  await withinTime(clock, LONGEST_MS, said, () => undefined);
}
