import fc from 'fast-check';
import { backoffMs } from '../../lib/backoff';
import { Timers } from '../../lib/clock';
import { abortedAfter, pause, withinTime } from '../../lib/timeLimit';
import { ManualClock, settle } from '../edge/support/manualClock';

describe('backoff', () => {
  test('doubles up to its most', () => {
    const pauses = [0, 1, 2, 3, 40].map((attempt) => backoffMs(attempt, { first: 100, most: 500 }));
    expect(pauses).toEqual([100, 200, 400, 500, 500]);
  });

  test('jitter takes away its share and no more', () => {
    const attempts = fc.tuple(fc.nat(60), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
    fc.assert(
      fc.property(attempts, ([attempt, chance]) => {
        const full = backoffMs(attempt, { first: 100, most: 30_000 });
        const jittered = backoffMs(attempt, { first: 100, most: 30_000, jitter: 0.25 }, () => chance);
        return jittered <= full && jittered >= Math.floor(full * 0.75);
      }),
    );
  });
});

describe('time limits', () => {
  test('late work is answered for, early work answers itself', async () => {
    const clock = new ManualClock();
    const early = withinTime(clock, 10, Promise.resolve('done'), () => 'late');
    const late = withinTime(clock, 10, new Promise(() => undefined), () => 'late');
    await clock.advance(10);
    expect(await Promise.all([early, late])).toEqual(['done', 'late']);
    expect(clock.pending).toBe(0);
  });

  test('what `late` throws rejects', async () => {
    const clock = new ManualClock();
    const late = withinTime(clock, 10, new Promise(() => undefined), () => {
      throw new RangeError('too late');
    });
    const refused = expect(late).rejects.toThrow('too late');
    await clock.advance(10);
    await refused;
  });

  test('work under a signal ends with its time, or with the outer signal', async () => {
    const clock = new ManualClock();
    const outer = new AbortController();
    const forever = () => new Promise<never>(() => undefined);
    const late = () => new RangeError('too late');
    const timed = expect(abortedAfter(clock, 10, undefined, late, forever)).rejects.toThrow('too late');
    const ended = expect(abortedAfter(clock, 99, outer.signal, late, forever)).rejects.toThrow('enough');
    outer.abort(new Error('enough'));
    await clock.advance(10);
    await Promise.all([timed, ended]);
    expect(clock.pending).toBe(0);
  });

  test('a pause ends early when its signal is aborted, and never rejects', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const paused = pause(1_000, stop.signal, clock);
    stop.abort();
    await paused;
    await pause(1_000, stop.signal, clock);
    expect(clock.pending).toBe(0);
  });
});

test('of timers by name the latest counts', async () => {
  const clock = new ManualClock();
  const timers = new Timers<'beat'>(clock);
  const rung: string[] = [];
  timers.set('beat', 10, () => rung.push('first'));
  timers.set('beat', 20, () => rung.push('second'));
  expect(timers.has('beat')).toBe(true);
  await clock.advance(30);
  await settle();
  expect(rung).toEqual(['second']);
  expect(timers.has('beat')).toBe(false);
});
