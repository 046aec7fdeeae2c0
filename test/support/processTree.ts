import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** A process for good: its id may be given to another one, but not with the same start. */
export interface ProcessId {
  pid: number;
  /** Clock ticks since the machine started. */
  startedAt: string;
  command: string;
}

interface Listed extends ProcessId {
  parent: number;
  state: string;
}

/** The process and all that it started, as far as they still hang together. Linux only. */
export async function processTree(pid: number): Promise<ProcessId[]> {
  const all = await processes();
  const tree = all.filter((each) => each.pid === pid);
  for (const { pid: parent } of tree) tree.push(...all.filter((each) => each.parent === parent));
  return tree.map(({ pid, startedAt, command }) => ({ pid, startedAt, command }));
}

/** Those that have this folder for temporary files, or were given something in it. */
export async function processesIn(temporary: string): Promise<string[]> {
  const all = await processes();
  const found = await Promise.all(
    all.map(async ({ pid, command }) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      return command.includes(temporary) || environment.includes(temporary) ? command : [];
    }),
  );
  return found.flat();
}

const POLL_MS = 20;

/** Which of them still run after `ms`; resolves with none as soon as all are gone. */
export async function survivors(tree: readonly ProcessId[], ms = 5_000): Promise<ProcessId[]> {
  const deadline = performance.now() + ms;
  for (;;) {
    const alive = (await processes()).filter(({ state }) => state !== 'Z' && state !== 'X');
    const left = tree.filter((each) =>
      alive.some(({ pid, startedAt }) => pid === each.pid && startedAt === each.startedAt),
    );
    if (left.length === 0 || performance.now() > deadline) return left;
    await delay(POLL_MS);
  }
}

async function processes(): Promise<Listed[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const listed = await Promise.all(pids.map((pid) => describe(Number(pid))));
  return listed.flatMap((each) => each ?? []);
}

/** Source: proc(5), `/proc/<pid>/stat`; the name in parentheses may itself hold any character. */
async function describe(pid: number): Promise<Listed | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
    return { pid, state, parent: Number(parent), startedAt: rest[17] ?? '', command };
  } catch {
    // It ended while it was being read.
    return undefined;
  }
}
