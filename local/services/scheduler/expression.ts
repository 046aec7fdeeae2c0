/**
 * Schedule expressions of EventBridge: `rate(5 minutes)`, `cron(0 12 * * ? *)` (UTC).
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
 */
export interface Schedule {
  /** The first time after `from`; both in milliseconds since the epoch. Undefined: never again. */
  next(from: number): number | undefined;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const UNITS: Record<string, number> = { minute: MINUTE, hour: 60 * MINUTE, day: DAY };
/** A leap day on a given weekday comes back after at most 40 years. */
const FARTHEST_DAYS = 366 * 41;

/** Throws a TypeError for anything that EventBridge refuses or that is not supported here (`L`, `W`, `#`). */
export function parseSchedule(expression: string): Schedule {
  const [, kind, argument = ''] = /^(rate|cron)\((.*)\)$/.exec(expression.trim()) ?? [];
  if (kind === 'rate') return parseRate(argument);
  if (kind === 'cron') return parseCron(argument);
  throw new TypeError(`expected rate(…) or cron(…), got ${expression}`);
}

function parseRate(argument: string): Schedule {
  const [, amount = '', unit = '', plural] = /^(\d+) (minute|hour|day)(s?)$/.exec(argument.trim()) ?? [];
  const count = Number(amount);
  const step = UNITS[unit];
  if (step === undefined || count < 1 || (count === 1) !== (plural === '')) {
    throw new TypeError(`expected a rate such as "1 minute" or "5 minutes", got "${argument}"`);
  }
  return { next: (from) => from + count * step };
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

type Matches = (value: number) => boolean;

function parseCron(argument: string): Schedule {
  const fields = argument.trim().split(/\s+/);
  if (fields.length !== 6) throw new TypeError(`a cron expression has six fields, got "${argument}"`);
  const [minute, hour, dayOfMonth, month, dayOfWeek, year] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) {
    throw new TypeError('exactly one of day of month and day of week must be "?"');
  }
  const minutes = values(minute, 0, 59);
  const hours = values(hour, 0, 23);
  const inDay = matcher(dayOfMonth, 1, 31);
  const inMonth = matcher(month, 1, 12, MONTHS);
  const inWeek = matcher(dayOfWeek, 1, 7, WEEKDAYS);
  const inYear = matcher(year, 1970, 2199);
  const isDay = (day: Date): boolean =>
    inYear(day.getUTCFullYear()) &&
    inMonth(day.getUTCMonth() + 1) &&
    inDay(day.getUTCDate()) &&
    inWeek(day.getUTCDay() + 1);

  return {
    next(from) {
      const first = Math.floor(from / DAY) * DAY;
      for (let day = 0; day < FARTHEST_DAYS; day++) {
        const start = first + day * DAY;
        if (!isDay(new Date(start))) continue;
        for (const h of hours) {
          for (const m of minutes) {
            const at = start + (h * 60 + m) * MINUTE;
            if (at > from) return at;
          }
        }
      }
      return undefined;
    },
  };
}

function values(field: string, low: number, high: number): number[] {
  const matches = matcher(field, low, high);
  return Array.from({ length: high - low + 1 }, (_, index) => low + index).filter(matches);
}

/** `*`, `?`, `5`, `1-5`, `0/15`, `*\/10`, and lists of these. */
function matcher(field: string, low: number, high: number, names: readonly string[] = []): Matches {
  if (field === '*' || field === '?') return () => true;
  const number = (text: string): number => {
    const named = names.indexOf(text.toUpperCase());
    const value = named >= 0 ? named + low : /^\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= low && value <= high))
      throw new TypeError(`"${field}" is not supported in a cron expression`);
    return value;
  };
  const parts = field.split(',').map((part): Matches => {
    const [range = '', step] = part.split('/');
    const [start = '', end] = range.split('-');
    const first = start === '*' ? low : number(start);
    const last = end !== undefined ? number(end) : step !== undefined || start === '*' ? high : first;
    const every = step === undefined ? 1 : Number(step);
    if (!Number.isInteger(every) || every < 1) throw new TypeError(`"${field}" has no valid step`);
    return (value) => value >= first && value <= last && (value - first) % every === 0;
  });
  return (value) => parts.some((matches) => matches(value));
}
