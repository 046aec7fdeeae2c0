import { systemClock } from '../../../lib/clock';
import { withinTime } from '../../../lib/timeLimit';
import type { Lifecycle, LifecycleStepName } from '../../../protocol/greengrass/lifecycle';
import { Script, skips, type ScriptExit, type ScriptOptions } from './script';

/** Seconds, where the recipe names none (component recipe reference). */
const TIMEOUTS: Partial<Record<LifecycleStepName, number>> = {
  install: 120,
  startup: 120,
  shutdown: 15,
  recover: 60,
};

/** What scripts of components run in. */
export interface ScriptPlace {
  environment: (component: string) => NodeJS.ProcessEnv;
  workFolder: (component: string) => string;
  onLine: (component: string, line: string, from: 'stdout' | 'stderr') => void;
  guard: ScriptOptions['guard'];
}

/** Starts the script of a step; undefined when there is no such step, or it is to be skipped. */
export async function openStep(
  component: string,
  lifecycle: Lifecycle,
  name: LifecycleStepName,
  place: ScriptPlace,
): Promise<Script | undefined> {
  const given = lifecycle[name];
  const step = typeof given === 'string' ? { Script: given } : given;
  if (step?.Script === undefined) return undefined;
  const env = { ...place.environment(component), ...lifecycle.Setenv, ...step.Setenv };
  if (step.Skipif !== undefined && (await skips(step.Skipif, env))) return undefined;
  return new Script({
    script: step.Script,
    cwd: place.workFolder(component),
    env,
    onLine: (line, from) => {
      place.onLine(component, line, from);
    },
    guard: place.guard,
  });
}

/** `timeout` when it takes longer than the step may; without a limit it may take for ever. */
export async function withinStep<T>(
  work: Promise<T>,
  lifecycle: Lifecycle,
  name: LifecycleStepName,
): Promise<T | 'timeout'> {
  const step = lifecycle[name];
  const seconds = (typeof step === 'object' ? step.Timeout : undefined) ?? TIMEOUTS[name];
  return seconds === undefined
    ? work
    : withinTime(systemClock, seconds * 1_000, work, () => 'timeout' as const);
}

/** How a step ended, or what its component said of itself meanwhile. */
export type StepEnd = ScriptExit | 'timeout' | 'stopped' | 'RUNNING' | 'ERRORED';

export function isSuccess(end: StepEnd): boolean {
  return typeof end === 'object' && end.code === 0;
}

/** Why the step did not end well. */
export function reasonOf(step: LifecycleStepName, end: StepEnd): string {
  if (end === 'timeout') return `${step} took too long`;
  if (typeof end === 'string') return 'it reported an error';
  return `${step} exited with ${end.code ?? 'a signal'}`;
}
