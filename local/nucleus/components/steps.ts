import type { LifecycleStep, LifecycleStepName } from '../../../protocol/greengrass/lifecycle';
import type { LifecycleState } from '../../services/greengrass/coreDevices/store';
import type { ScriptExit } from './script';

/** Seconds, where the recipe names none (component recipe reference). */
const TIMEOUTS: Partial<Record<LifecycleStepName, number>> = {
  install: 120,
  startup: 120,
  shutdown: 15,
  recover: 60,
};

/** What went wrong, and in which state. */
export interface Failure {
  during: LifecycleState;
  code: string;
  message: string;
}

export function isSuccess(end: ScriptExit | string): boolean {
  return typeof end === 'object' && end.code === 0;
}

export function reasonOf(step: string, end: ScriptExit | string): string {
  if (typeof end === 'string') return 'it reported an error';
  return `${step} exited with ${end.code ?? 'a signal'}`;
}

export function stepOf(step: string | LifecycleStep | undefined): LifecycleStep | undefined {
  return typeof step === 'string' ? { Script: step } : step;
}

/** `timeout` when it takes longer than the step may; without a limit it may take for ever. */
export async function within<T>(
  work: Promise<T>,
  step: string | LifecycleStep | undefined,
  name: LifecycleStepName,
): Promise<T | 'timeout'> {
  const seconds = stepOf(step)?.Timeout ?? TIMEOUTS[name];
  if (seconds === undefined) return work;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), seconds * 1_000);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
