import { readdirSync, readFileSync } from 'node:fs';
import type { Logger } from 'pino';

/** Linux on every architecture that Node.js is built for, unless its kernel was configured otherwise. */
const PAGE_KB = 4;

/**
 * Resident memory in KiB of every process group that lives, by the id of its leader. Processes that ended
 * and wait for their parent to look count for nothing. Linux only: proc(5), `/proc/<pid>/stat`.
 */
function residentByGroup(): Map<number, number> {
  const used = new Map<number, number>();
  for (const { group, pages } of processes()) used.set(group, (used.get(group) ?? 0) + pages * PAGE_KB);
  return used;
}

interface Process {
  pid: number;
  parent: number;
  group: number;
  pages: number;
}

function processes(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const stat = readStat(name);
    const [state = '', parent, group, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (stat === '' || state === 'Z' || state === 'X') return [];
    return [{ pid: Number(name), parent: Number(parent), group: Number(group), pages: Number(rest[18]) }];
  });
}

/**
 * SIGTERM to everything below `leader`, in whatever process group, as the nucleus stops a component
 * (aws-greengrass-nucleus, `UnixPlatform.killProcessAndChildren`). Elsewhere than on Linux, to its group.
 */
export function terminateTree(leader: number): void {
  // Read first: what has lost its parent is below nobody.
  const all = process.platform === 'linux' ? processes() : [];
  signalGroup(leader, 'SIGTERM');
  const below = new Set([leader]);
  for (let before = 0; before < below.size;) {
    before = below.size;
    for (const { pid, parent } of all) if (below.has(parent)) below.add(pid);
  }
  for (const { pid, group } of all) if (below.has(pid) && group !== leader) signalProcess(pid, 'SIGTERM');
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended since.
  }
}

function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // It ended while the others were being read.
    return '';
  }
}

/** Sends it to the whole group; false when there is nobody left. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  return process.platform !== 'linux' || residentByGroup().has(group);
}

/** A process group that may use so much memory, in KiB as `systemResourceLimits.memory`. */
export interface LimitedGroup {
  component: string;
  pid: number;
  limit: number;
}

const MEMORY_POLL_MS = 250;

/**
 * Kills a component that uses more memory than its deployment allows, as the control group of a real core
 * does. Linux only, as on a real core.
 */
export class MemoryGuard {
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly limited: () => LimitedGroup[],
    private readonly log: Logger,
  ) {
    if (process.platform === 'linux') this.#timer = setInterval(() => this.#look(), MEMORY_POLL_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const limited = this.limited();
    if (limited.length === 0) return;
    const used = residentByGroup();
    for (const { component, pid, limit } of limited) {
      const kb = used.get(pid) ?? 0;
      if (kb <= limit) continue;
      this.log.warn({ component, kb, limit }, 'out of memory: killed');
      signalGroup(pid, 'SIGKILL');
    }
  }
}
