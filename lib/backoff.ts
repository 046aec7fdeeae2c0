export interface Backoff {
  /** Milliseconds before the second attempt. */
  first: number;
  /** No pause is longer, in milliseconds. */
  most: number;
  /**
   * Share of the pause, from 0 to 1, that chance may take away, so that those who failed together do not
   * come back together. 0 unless told; 1 is "full jitter" (AWS Architecture Blog, "Exponential Backoff
   * And Jitter").
   */
  jitter?: number;
}

/** Milliseconds to wait after attempt number `attempt` (from 0): doubles up to `most`. */
export function backoffMs(
  attempt: number,
  { first, most, jitter = 0 }: Backoff,
  random: () => number = Math.random,
): number {
  const full = Math.min(most, first * 2 ** Math.min(attempt, 30));
  return jitter === 0 ? full : Math.round(full * (1 - random() * jitter));
}
