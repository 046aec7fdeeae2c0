import pino from 'pino';
import { createScheduler } from '../../../../local/services/scheduler';
import { parseSchedule } from '../../../../local/services/scheduler/expression';
import { manualTimers } from '../../manualTimers';

const at = (iso: string): number => Date.parse(iso);
const nextOf = (expression: string, from: string): string | undefined => {
  const next = parseSchedule(expression).next(at(from));
  return next === undefined ? undefined : new Date(next).toISOString();
};

describe('schedule expressions', () => {
  it.each([
    ['rate(1 minute)', '2026-01-01T00:00:30Z', '2026-01-01T00:01:30.000Z'],
    ['rate(2 days)', '2026-01-01T00:00:00Z', '2026-01-03T00:00:00.000Z'],
    ['cron(* * * * ? *)', '2026-01-01T00:00:30Z', '2026-01-01T00:01:00.000Z'],
    ['cron(0/15 * * * ? *)', '2026-01-01T00:16:00Z', '2026-01-01T00:30:00.000Z'],
    ['cron(0 12 * * ? *)', '2026-01-01T12:00:00Z', '2026-01-02T12:00:00.000Z'],
    ['cron(15 10 ? * MON-FRI *)', '2026-01-02T10:15:00Z', '2026-01-05T10:15:00.000Z'],
    ['cron(0 8 1 * ? *)', '2026-01-31T09:00:00Z', '2026-02-01T08:00:00.000Z'],
    ['cron(0 0 29 2 ? *)', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['cron(5,10 0 * JAN ? 2027)', '2026-01-01T00:00:00Z', '2027-01-01T00:05:00.000Z'],
  ])('%s after %s', (expression, from, expected) => {
    expect(nextOf(expression, from)).toBe(expected);
  });

  it('ends when the years are over', () => {
    expect(nextOf('cron(0 0 1 1 ? 2025)', '2026-01-01T00:00:00Z')).toBeUndefined();
  });

  it.each([
    'rate(5 minute)',
    'rate(1 minutes)',
    'rate(0 minutes)',
    'cron(* * * * * *)',
    'cron(* * * ? *)',
    'cron(0 0 L * ? *)',
    'cron(61 0 * * ? *)',
    'at(2026-01-01T00:00:00)',
  ])('refuses %s', (expression) => {
    expect(() => parseSchedule(expression)).toThrow(TypeError);
  });
});

describe('the scheduler', () => {
  it('fires each time it is due, until it is removed', () => {
    const { timers, advance } = manualTimers();
    const scheduler = createScheduler(pino({ level: 'silent' }), timers);
    const fired: number[] = [];
    scheduler.put({ arn: 'a', expression: 'rate(1 minute)', fire: async (due) => void fired.push(due) });
    advance(150_000);
    expect(fired).toEqual([60_000, 120_000]);
    scheduler.remove('a');
    advance(600_000);
    expect(fired).toHaveLength(2);
  });

  it('goes on after a failed invocation, and waits longer than one timer can', () => {
    const { timers, advance } = manualTimers();
    const scheduler = createScheduler(pino({ level: 'silent' }), timers);
    let fired = 0;
    const fire = async (): Promise<void> => {
      fired += 1;
      throw new Error('no such function');
    };
    scheduler.put({ arn: 'a', expression: 'rate(40 days)', fire });
    advance(39 * 24 * 3_600_000);
    expect(fired).toBe(0);
    advance(41 * 24 * 3_600_000);
    expect(fired).toBe(2);
    scheduler.close();
  });
});
