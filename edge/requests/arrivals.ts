import type { LocalFunctions } from '../ports';
import type { Clock } from '../../lib/clock';

/** Lets calls wait for functions that are on their way here. */
export class Arrivals {
  private readonly waiting = new Map<string, Set<() => void>>();

  constructor(
    local: Pick<LocalFunctions, 'on'>,
    private readonly clock: Clock,
  ) {
    local.on('changed', ({ manifest: { name } }) => {
      for (const wake of [...(this.waiting.get(name) ?? [])]) wake();
    });
  }

  /** Resolves at the next change of a function of that name, or after `ms`. */
  change(functionName: string, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const sameName = this.waiting.get(functionName) ?? new Set();
      const wake = () => {
        timer.cancel();
        sameName.delete(wake);
        if (sameName.size === 0) this.waiting.delete(functionName);
        resolve();
      };
      const timer = this.clock.setTimeout(wake, ms);
      this.waiting.set(functionName, sameName.add(wake));
    });
  }
}
