import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Clock, Timer } from '../lib/clock';

/** Resident bytes by process id; processes that are gone are left out. */
export type ReadResident = (pids: readonly number[]) => ResidentBytes | Promise<ResidentBytes>;
export type ResidentBytes = ReadonlyMap<number, number>;

export interface WatchedProcess {
  pid: number;
  limitBytes: number;
  exceeded: (bytes: number) => void;
}

/**
 * Watches the resident memory of processes from outside: Buffers and native memory count, which no
 * limit of V8's heap bounds, and a process that never yields cannot put it off.
 */
export class MemoryWatch {
  private readonly watched = new Map<number, WatchedProcess>();
  private timer: Timer | undefined;
  private reading = false;

  constructor(
    private readonly options: { pollMs: number; clock: Clock; read?: ReadResident },
    private readonly read: ReadResident = options.read ?? readResident(),
  ) {}

  add(process: WatchedProcess): void {
    this.watched.set(process.pid, process);
    this.schedule();
  }

  remove(pid: number): void {
    this.watched.delete(pid);
    if (this.watched.size === 0) this.close();
  }

  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private schedule(): void {
    if (this.timer !== undefined || this.reading || this.watched.size === 0) return;
    this.timer = this.options.clock.setTimeout(() => {
      this.timer = undefined;
      void this.poll();
    }, this.options.pollMs);
  }

  private async poll(): Promise<void> {
    this.reading = true;
    const resident = await this.read([...this.watched.keys()]);
    this.reading = false;
    for (const [pid, bytes] of resident) {
      const process = this.watched.get(pid);
      if (process !== undefined && bytes > process.limitBytes) process.exceeded(bytes);
    }
    this.schedule();
  }
}

function readResident(): ReadResident {
  return process.platform === 'linux' ? readFromProc : readFromPs;
}

const PAGE_BYTES = process.platform === 'linux' ? pageBytes() : 0;

/** Pages are 4, 16 or 64 KiB; Node does not say which, but it knows its own size in bytes. */
function pageBytes(): number {
  return 2 ** Math.round(Math.log2(process.memoryUsage.rss() / residentPages('self')));
}

function residentPages(pid: number | 'self'): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
}

export function readFromProc(pids: readonly number[]): ResidentBytes {
  const resident = new Map<number, number>();
  for (const pid of pids) {
    try {
      resident.set(pid, residentPages(pid) * PAGE_BYTES);
    } catch {
      // It ended; its exit is reported elsewhere.
    }
  }
  return resident;
}

const run = promisify(execFile);

export async function readFromPs(pids: readonly number[]): Promise<ResidentBytes> {
  // ps answers 1 when some of them are gone, and still lists the others.
  const { stdout } = await run('ps', ['-o', 'pid=,rss=', '-p', pids.join(',')]).catch((error: unknown) => ({
    stdout: (error as { stdout?: string }).stdout ?? '',
  }));
  const rows = stdout.trim().split('\n').filter(Boolean);
  return new Map(
    rows.map((row) => {
      const [pid, kibibytes] = row.trim().split(/\s+/).map(Number);
      return [pid ?? 0, (kibibytes ?? 0) * 1024];
    }),
  );
}
