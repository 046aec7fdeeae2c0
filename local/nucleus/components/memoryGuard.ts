import type { Logger } from 'pino';
import type { Component } from './component';
import { residentByGroup, signalGroup } from './processGroups';

export interface MemoryGuardParts {
  components(): Component[];
  /** KiB, as `systemResourceLimits.memory`; undefined: no limit. */
  limitOf(component: string): number | undefined;
  log: Logger;
}

const POLL_MS = 250;
/**
 * Kills a component that uses more memory than its deployment allows, as the control group of a real core
 * does. Linux only, as on a real core.
 */
export class MemoryGuard {
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: MemoryGuardParts) {
    if (process.platform === 'linux') this.#timer = setInterval(() => this.#look(), POLL_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const limited = this.parts.components().flatMap(({ name, pid }) => {
      const limit = this.parts.limitOf(name);
      return pid === undefined || limit === undefined ? [] : [{ name, pid, limit }];
    });
    if (limited.length === 0) return;
    const used = residentByGroup();
    for (const { name, pid, limit } of limited) {
      const kb = used.get(pid) ?? 0;
      if (kb <= limit) continue;
      this.parts.log.warn({ component: name, kb, limit }, 'out of memory: killed');
      signalGroup(pid, 'SIGKILL');
    }
  }
}
