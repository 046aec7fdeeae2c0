import type { Step, StepExecutors } from './plan';

/** Steps of one function name, in order; evictions are a lane of their own. */
export function byLane(steps: readonly Step[]): Map<string, Step[]> {
  const lanes = new Map<string, Step[]>();
  for (const step of steps) {
    const lane = laneOf(step);
    lanes.set(lane, [...(lanes.get(lane) ?? []), step]);
  }
  return lanes;
}

export function laneOf(step: Step): string {
  return step.type === 'evict' ? '' : step.name;
}

/**
 * Executes steps in order until one fails or `isStale` says that they were planned for an older
 * target. A drain is always followed by its stop.
 */
export async function runLane(
  steps: readonly Step[],
  executors: StepExecutors,
  isStale: () => boolean,
): Promise<void> {
  for (const step of steps) {
    if (step.type !== 'stop' && isStale()) return;
    await execute(step, executors);
  }
}

function execute<S extends Step>(step: S, executors: StepExecutors): void | Promise<void> {
  const executor = executors[step.type] as (step: S) => void | Promise<void>;
  return executor(step);
}
