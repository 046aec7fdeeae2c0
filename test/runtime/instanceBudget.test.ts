import fc from 'fast-check';
import { chooseRetirements, InstanceBudget, type RetirableInstance } from '../../runtime/instanceBudget';
import { EdgeError } from '../../protocol';
import { ManualClock } from '../edge/support/manualClock';

const instance = fc.record(
  {
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    memoryMiB: fc.integer({ min: 64, max: 512 }),
    idleSince: fc.nat(9),
  },
  { requiredKeys: ['key', 'memoryMiB'] },
);
const limits = fc.record({
  memoryMiB: fc.integer({ min: 64, max: 2048 }),
  instances: fc.integer({ min: 1, max: 8 }),
});
const sum = (all: readonly { memoryMiB: number }[]) => all.reduce((total, each) => total + each.memoryMiB, 0);

describe('chooseRetirements', () => {
  it('ends only idle ones, the least used first, and stays within the limits', () => {
    fc.assert(
      fc.property(fc.array(instance), fc.integer({ min: 64, max: 512 }), limits, (running, needed, limit) => {
        const { retired, enough } = chooseRetirements(running, needed, limit);
        const left = running.filter((each) => !retired.includes(each));
        expect(retired.every(({ idleSince }) => idleSince !== undefined)).toBe(true);
        const leftIdle = left.flatMap(({ idleSince }) => (idleSince === undefined ? [] : [idleSince]));
        const youngest = Math.max(-1, ...retired.map(({ idleSince }) => idleSince ?? 0));
        expect(leftIdle.every((since) => since >= youngest)).toBe(true);
        const fits = sum(left) + needed <= limit.memoryMiB && left.length + 1 <= limit.instances;
        expect(enough).toBe(fits);
        // Without the last of them it would not have been enough.
        const [last] = retired.slice(-1);
        if (enough && last !== undefined) {
          const before = [...left, last];
          expect(sum(before) + needed > limit.memoryMiB || before.length + 1 > limit.instances).toBe(true);
        }
        if (!enough) expect(leftIdle).toEqual([]);
      }),
    );
  });

  it('does not depend on the order in which it is asked', () => {
    const keyed = fc.uniqueArray(instance, { selector: ({ key }) => key });
    fc.assert(
      fc.property(keyed, limits, fc.nat(), (running, limit, seed) => {
        const shuffled = [...running].sort((a, b) => ((a.memoryMiB * seed) % 7) - ((b.memoryMiB * seed) % 7));
        const keysOf = (all: typeof running) =>
          chooseRetirements(all, 128, limit).retired.map(({ key }) => key);
        expect(keysOf(shuffled)).toEqual(keysOf(running));
      }),
    );
  });
});

/** A host whose instances the test moves. */
class Instances {
  readonly clock = new ManualClock();
  readonly all = new Map<string, RetirableInstance>();
  readonly budget = new InstanceBudget(() => [...this.all.values()], this.clock);

  start(key: string): Promise<string> {
    return this.budget.place(128, async () => {
      this.busy(key);
      return key;
    });
  }

  busy(key: string): void {
    this.all.set(key, { key, memoryMiB: 128, retire: () => this.all.delete(key) });
  }

  idle(key: string, idleSince: number): void {
    this.all.set(key, { key, memoryMiB: 128, idleSince, retire: () => this.all.delete(key) });
    this.budget.settle();
  }

  get keys(): string[] {
    return [...this.all.keys()].sort();
  }
}

describe('InstanceBudget', () => {
  it('a ninth function takes the place of the least used of eight, and the eighth comes back the same way', async () => {
    const host = new Instances();
    host.budget.limit({ memoryMiB: 1024, instances: 64 });
    for (let n = 1; n <= 8; n += 1) {
      await host.start(`f${n}`);
      host.idle(`f${n}`, n);
    }
    await host.start('f9');
    expect(host.keys).toEqual(['f2', 'f3', 'f4', 'f5', 'f6', 'f7', 'f8', 'f9']);
    await host.start('f1');
    expect(host.keys).toEqual(['f1', 'f3', 'f4', 'f5', 'f6', 'f7', 'f8', 'f9']);
  });

  it('waits for one that is at work, and for no longer than five seconds', async () => {
    const host = new Instances();
    host.budget.limit({ memoryMiB: 256, instances: 64 });
    await host.start('a');
    await host.start('b');
    const third = host.start('c');
    const fourth = host.start('d').catch((error: unknown) => error);
    host.idle('b', 1);
    await expect(third).resolves.toBe('c');
    await host.clock.advance(5_000);
    const error = await fourth;
    expect(error).toBeInstanceOf(EdgeError);
    expect(error).toMatchObject({ code: 'EDGE_LIMIT_EXCEEDED', details: { memoryMiB: 256 } });
    expect(host.keys).toEqual(['a', 'c']);
  });

  it('a further instance takes only what is free', async () => {
    const host = new Instances();
    host.budget.limit({ memoryMiB: 256, instances: 64 });
    await host.start('a');
    expect(host.budget.hasRoom(128)).toBe(true);
    await host.start('b');
    host.idle('b', 1);
    expect(host.budget.hasRoom(128)).toBe(false);
  });

  it('lower limits end what is idle at once, the rest as soon as it has nothing to do', async () => {
    const host = new Instances();
    for (const key of ['a', 'b', 'c']) await host.start(key);
    host.idle('a', 1);
    host.budget.limit({ memoryMiB: 128, instances: 64 });
    expect(host.keys).toEqual(['b', 'c']);
    host.idle('c', 2);
    expect(host.keys).toEqual(['b']);
  });
});
