import { setTimeout as delay } from 'node:timers/promises';
import type { DeviceProcess } from '../../local';

/** A device that calls one function again and again, so that it shows whether anything disturbed it. */
export interface SteadyCaller {
  /** Resolves when a call that began from now on has succeeded; rejects with the first failure there was. */
  proceeds(): Promise<void>;
  /** Ends after the call under way. Resolves with the number of calls; rejects with the first failure. */
  stop(): Promise<number>;
}

/** The load, not a wait: a call each 5 ms leaves the machine to the others. */
const PAUSE_MS = 5;
const LIMIT_MS = 60_000;

export function keepCalling(device: DeviceProcess, name: string, input: unknown): SteadyCaller {
  let [begun, stopped] = [0, false];
  let waiting: { after: number; resolve: () => void; reject: (error: unknown) => void }[] = [];
  const run = async () => {
    while (!stopped) {
      begun += 1;
      await device.invoke(name, input, { timeout: LIMIT_MS });
      const served = waiting.filter(({ after }) => begun > after);
      waiting = waiting.filter((other) => !served.includes(other));
      for (const { resolve } of served) resolve();
      await delay(PAUSE_MS);
    }
  };
  const running = run();
  running.catch((error: unknown) => {
    for (const { reject } of waiting) reject(error);
  });
  return {
    proceeds: () =>
      Promise.race([
        running,
        new Promise<void>((resolve, reject) => waiting.push({ after: begun, resolve, reject })),
      ]),
    async stop() {
      stopped = true;
      await running;
      return begun;
    },
  };
}
