import type { Clock } from './ports';

const LONGEST_MS = 2_000;

/** Waits for a last word to the cloud, but not for long: a link that swallows it must not hold up a stop. */
export async function briefly(clock: Clock, said: Promise<unknown>): Promise<void> {
  let timer: { cancel(): void } | undefined;
  const late = new Promise<void>((resolve) => (timer = clock.setTimeout(resolve, LONGEST_MS)));
  try {
    await Promise.race([said, late]);
  } finally {
    timer?.cancel();
  }
}
