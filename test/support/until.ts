import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/** The first value that `look` finds, asked again and again; for what tells nobody when it comes. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  ms = 120_000,
): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${ms} ms`);
    await delay(POLL_MS);
  }
}
