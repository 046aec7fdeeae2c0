import type { ChildProcess } from 'node:child_process';

/**
 * Every child that runs, so that none outlives this process: not when it exits, not when it crashes,
 * not on a signal. Each child leads its own process group, which ends with it.
 */
const children = new Set<ChildProcess>();
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let armed = false;

export function registerChild(child: ChildProcess): void {
  children.add(child);
  if (armed) return;
  armed = true;
  process.on('exit', endChildren);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

export function forgetChild(child: ChildProcess): void {
  children.delete(child);
  if (children.size > 0 || !armed) return;
  armed = false;
  process.off('exit', endChildren);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

/** Someone else who listens for the signal stops things in order; else this is the end. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  endChildren();
  for (const each of SIGNALS) process.off(each, onSignal);
  process.kill(process.pid, signal);
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
