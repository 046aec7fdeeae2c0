import type { Clock } from '../lib/clock';
import { EdgeError } from '../protocol/errors';

/** What all instances of a host may take together. */
export interface InstanceLimits {
  memoryMiB: number;
  instances: number;
}

export interface RunningInstance {
  key: string;
  memoryMiB: number;
  /** Since when it waits for a call, in milliseconds since the epoch; absent while it has to stay. */
  idleSince?: number;
}

/**
 * The instances to end so that one of `memoryMiB` more fits, or, with 0, so that none is over: of those
 * that wait for a call the one that has waited longest first, and no more than are needed. `enough` is
 * false when all of them are too few. Pure.
 */
export function chooseRetirements<T extends RunningInstance>(
  running: readonly T[],
  memoryMiB: number,
  limits: InstanceLimits,
): { retired: T[]; enough: boolean } {
  let memory = memoryMiB + running.reduce((sum, each) => sum + each.memoryMiB, 0);
  let instances = running.length + (memoryMiB > 0 ? 1 : 0);
  const isOver = () => memory > limits.memoryMiB || instances > limits.instances;
  const retired: T[] = [];
  for (const candidate of leastUsedFirst(running)) {
    if (!isOver()) break;
    retired.push(candidate);
    memory -= candidate.memoryMiB;
    instances -= 1;
  }
  return { retired, enough: !isOver() };
}

function leastUsedFirst<T extends RunningInstance>(running: readonly T[]): T[] {
  const idle = running.filter(({ idleSince }) => idleSince !== undefined);
  return idle.sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0) || (a.key < b.key ? -1 : 1));
}

export interface RetirableInstance extends RunningInstance {
  retire: () => void;
}

interface Waiting {
  memoryMiB: number;
  start: () => void;
  refuse: (error: EdgeError) => void;
}

/** So long the first instance of a function waits for one of others to have nothing to do. */
const ROOM_WAIT_MS = 5_000;

/**
 * Keeps the instances of all functions of a host within its limits. The first instance of a function takes
 * the place of the one that is least used; a further one takes only what is free, so that a busy function
 * does not push out all others.
 */
export class InstanceBudget {
  private limits: InstanceLimits | undefined;
  private isOver = false;
  /** First instances that found all others at work, oldest first. */
  private readonly waiting = new Set<Waiting>();

  /** `running`: all instances that there are, also those that start. */
  constructor(
    private readonly running: () => RetirableInstance[],
    private readonly clock: Clock,
  ) {}

  /** From now on; what is over ends as soon as it has nothing to do. */
  limit(limits: InstanceLimits | undefined): void {
    this.limits = limits;
    this.isOver = true;
    this.settle();
  }

  hasRoom(memoryMiB: number): boolean {
    if (this.limits === undefined) return true;
    const { retired, enough } = chooseRetirements(this.running(), memoryMiB, this.limits);
    return enough && retired.length === 0;
  }

  /**
   * Calls `start`, which must add the instance at once, as soon as there is room, and settles as it does.
   * Throws EDGE_LIMIT_EXCEEDED when none of the others rests for five seconds.
   */
  place<T>(memoryMiB: number, start: () => Promise<T>): Promise<T> {
    if (this.waiting.size === 0 && this.makeRoom(memoryMiB)) return start();
    return new Promise<T>((resolve, reject) => {
      const over = () => {
        timer.cancel();
        this.waiting.delete(entry);
      };
      const entry: Waiting = {
        memoryMiB,
        start: () => {
          over();
          resolve(start());
        },
        refuse: (error) => {
          over();
          reject(error);
        },
      };
      const timer = this.clock.setTimeout(() => entry.refuse(noRoom(this.limits)), ROOM_WAIT_MS);
      this.waiting.add(entry);
    });
  }

  /** An instance has ended, or has nothing to do any more. On the way of each call, so cheap as a rule. */
  settle(): void {
    if (this.isOver) this.isOver = !this.makeRoom(0);
    for (const entry of this.waiting) {
      if (!this.makeRoom(entry.memoryMiB)) return;
      entry.start();
    }
  }

  close(reason: EdgeError): void {
    for (const entry of this.waiting) entry.refuse(reason);
  }

  private makeRoom(memoryMiB: number): boolean {
    if (this.limits === undefined) return true;
    const { retired, enough } = chooseRetirements(this.running(), memoryMiB, this.limits);
    if (enough || memoryMiB === 0) for (const { retire } of retired) retire();
    return enough;
  }
}

function noRoom(limits: InstanceLimits | undefined): EdgeError {
  const why = 'the memory or the number of instances of the group is spent, and all functions are at work';
  return new EdgeError('EDGE_LIMIT_EXCEEDED', why, { details: { ...limits } });
}
