import { backoffMs } from '../../lib/backoff';
import { systemClock } from '../../lib/clock';
import { pause } from '../../lib/timeLimit';
import type { RetryPause } from '../ports';

/** Milliseconds, with full jitter: those who lost a race to each other do not meet again. */
const PAUSES = { first: 10, most: 500, jitter: 1 };

export const jitteredBackoff: RetryPause = (losses) =>
  pause(backoffMs(losses, PAUSES), undefined, systemClock);
