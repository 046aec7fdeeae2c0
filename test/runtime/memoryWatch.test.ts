import { spawnSync } from 'node:child_process';
import { MemoryWatch, readFromProc, readFromPs } from '../../runtime/memoryWatch';
import { ManualClock, until } from './support';

const hasPs = spawnSync('ps', ['-o', 'pid=']).status === 0;
const GONE = 2 ** 22 + 1; // over Linux's highest process id

function sizeIsPlausible(bytes: number | undefined): void {
  const own = process.memoryUsage.rss();
  expect(bytes).toBeGreaterThan(own / 2);
  expect(bytes).toBeLessThan(own * 2);
}

describe('resident memory', () => {
  (process.platform === 'linux' ? it : it.skip)('is read from /proc', () => {
    const resident = readFromProc([process.pid, GONE]);
    sizeIsPlausible(resident.get(process.pid));
    expect(resident.has(GONE)).toBe(false);
  });

  (hasPs ? it : it.skip)('is read from ps elsewhere', async () => {
    const resident = await readFromPs([process.pid, GONE]);
    sizeIsPlausible(resident.get(process.pid));
    expect(resident.has(GONE)).toBe(false);
    expect(await readFromPs([GONE])).toEqual(new Map());
  });
});

describe('the watch', () => {
  it('reports whoever is over its limit, and asks nobody when there is nothing to watch', async () => {
    const clock = new ManualClock();
    const resident = new Map([[1, 100]]);
    const read = jest.fn(() => resident);
    const exceeded = jest.fn();
    const watch = new MemoryWatch({ pollMs: 10, clock, read });
    expect(clock.pending).toEqual([]);
    watch.add({ pid: 1, limitBytes: 100, exceeded });
    clock.advance(10);
    await until(() => clock.pending.length === 1);
    expect(read).toHaveBeenCalledWith([1]);
    expect(exceeded).not.toHaveBeenCalled();
    resident.set(1, 101);
    clock.advance(10);
    await until(() => exceeded.mock.calls.length === 1);
    expect(exceeded).toHaveBeenCalledWith(101);
    watch.remove(1);
    expect(clock.pending).toEqual([]);
  });
});
