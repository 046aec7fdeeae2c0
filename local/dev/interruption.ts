export interface Interruption {
  /** Resolves at the first signal. */
  readonly came: Promise<NodeJS.Signals>;
  /** Signals end the process again. */
  release(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const SECOND_SIGNAL_EXIT = 130;

/**
 * Takes the signals that ask this process to end, so that it stops what it started in order. It goes
 * on listening while that happens: children.ts ends everything at once when nobody else listens. Who
 * does not want to wait sends a second one.
 */
export function awaitInterruption(): Interruption {
  let interrupted = false;
  let resolve: (signal: NodeJS.Signals) => void = () => undefined;
  const came = new Promise<NodeJS.Signals>((done) => (resolve = done));
  const listener = (signal: NodeJS.Signals): void => {
    if (interrupted) process.exit(SECOND_SIGNAL_EXIT);
    interrupted = true;
    resolve(signal);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return {
    came,
    release() {
      for (const signal of SIGNALS) process.off(signal, listener);
    },
  };
}
