import type { ChildProcess } from 'node:child_process';
import { runInThisContext } from 'node:vm';

/** What asks this process to end. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Interruption {
  /** Resolves at the first signal. */
  readonly came: Promise<NodeJS.Signals>;
  /** Signals end the process again. */
  release: () => void;
}

const SECOND_SIGNAL_EXIT = 130;

/** Not the copy that jest gives to tests, which hears of no end. */
const thisProcess = runInThisContext('process') as NodeJS.Process;

/**
 * Takes the signals that ask this process to end, so that it stops what it started in order. It goes
 * on listening while that happens: children end at once when nobody else listens. Who
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
  for (const signal of SIGNALS) thisProcess.on(signal, listener);
  return {
    came,
    release() {
      for (const signal of SIGNALS) thisProcess.off(signal, listener);
    },
  };
}

/**
 * Every child that runs, so that none outlives this process: not when it exits, not when it crashes,
 * not on a signal. Each child leads its own process group, which ends with it.
 */
const children = new Set<ChildProcess>();
let armed = false;

export function registerChild(child: ChildProcess): void {
  children.add(child);
  if (armed) return;
  armed = true;
  thisProcess.on('exit', endChildren);
  for (const signal of SIGNALS) thisProcess.on(signal, onSignal);
}

export function forgetChild(child: ChildProcess): void {
  children.delete(child);
  if (children.size > 0 || !armed) return;
  armed = false;
  thisProcess.off('exit', endChildren);
  for (const signal of SIGNALS) thisProcess.off(signal, onSignal);
}

/** Someone else who listens for the signal stops things in order; else this is the end. */
function onSignal(signal: NodeJS.Signals): void {
  if (thisProcess.listenerCount(signal) > 1) return;
  endChildren();
  for (const each of SIGNALS) thisProcess.off(each, onSignal);
  thisProcess.kill(process.pid, signal);
}

function endChildren(): void {
  for (const child of children) endChild(child);
}

/** With everything in its process group. */
export function endChild({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in this moment.
  }
}
