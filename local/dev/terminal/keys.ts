import type { ReadStream } from 'node:tty';

/** What keys do, by key. */
export type Keys = Record<string, () => void>;

const CTRL_C = '\u0003';

/** Listens for single keys where the input is a terminal; gives the function that puts it back, or undefined. */
export function listenForKeys(input: ReadStream, keys: Keys): (() => void) | undefined {
  // Without a terminal it is something else, whatever the type says.
  if (!(input as Partial<ReadStream>).isTTY) return undefined;
  const listener = (typed: string): void => {
    for (const key of typed) {
      if (key === CTRL_C) process.kill(process.pid, 'SIGINT');
      else keys[key.toLowerCase()]?.();
    }
  };
  input.setRawMode(true);
  input.setEncoding('utf8').on('data', listener).resume();
  return () => {
    input.off('data', listener).pause();
    input.setRawMode(false);
  };
}
