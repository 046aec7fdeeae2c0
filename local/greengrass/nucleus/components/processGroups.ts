import { readdirSync, readFileSync } from 'node:fs';

/** Linux on every architecture that Node.js is built for, unless its kernel was configured otherwise. */
const PAGE_KB = 4;

/**
 * Resident memory in KiB of every process group that lives, by the id of its leader. Processes that ended
 * and wait for their parent to look count for nothing. Linux only: proc(5), `/proc/<pid>/stat`.
 */
export function residentByGroup(): Map<number, number> {
  const used = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(name);
    const [state = '', , group, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (stat === '' || state === 'Z' || state === 'X') continue;
    used.set(Number(group), (used.get(Number(group)) ?? 0) + Number(rest[18]) * PAGE_KB);
  }
  return used;
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
