import { setTimeout as delay } from 'node:timers/promises';
import { readEvents, type ServiceEvent } from '../../operator/events';
import { EdgeError } from '../../protocol';
import { flag, text, type CommandContext, type CommandResult } from './command';

const POLL_MS = 2_000;
const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DEFAULT_SINCE = '1d';

/**
 * `sls edge events [--group] [--since] [--tail]`. With `--tail` it prints what happens until it is
 * interrupted; `--json` is one document per line then. Logs of system functions: `sls logs -f <name>`.
 */
export async function events(context: CommandContext): Promise<CommandResult | undefined> {
  const { service, options } = context;
  const group = text(options, 'group');
  const since = Date.now() - durationOf(text(options, 'since') ?? DEFAULT_SINCE);
  const seen = new Set<string>();
  const next = async (): Promise<ServiceEvent[]> =>
    (await readEvents(service, since, seen)).filter((each) => group === undefined || concerns(each, group));
  const first = await next();
  if (flag(options, 'tail')) {
    print(context, first);
    await untilInterrupted(async () => print(context, await next()));
    return undefined;
  }
  return { json: { events: first }, text: first.map(line).join('\n') || 'Nothing happened.' };
}

/** Packages belong to no group, and are of interest to each. */
function concerns({ group, what }: ServiceEvent, wanted: string): boolean {
  return group === wanted || what === 'package';
}

function durationOf(given: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(given) ?? [];
  if (count !== undefined && unit !== undefined) return Number(count) * (UNITS[unit] ?? 0);
  throw new EdgeError('BAD_REQUEST', `--since: found ${given}`, { expected: 'such as 90s, 30m, 12h or 7d' });
}

function print({ utils, options }: CommandContext, all: readonly ServiceEvent[]): void {
  for (const each of all) {
    utils.writeText(flag(options, 'json') ? JSON.stringify(each) : line(each));
  }
}

const WHAT_WIDTH = 10;

function line({ at, what, about, text: said, ok }: ServiceEvent): string {
  return `${at}  ${ok ? ' ' : '!'} ${what.padEnd(WHAT_WIDTH)} ${about}  ${said}`;
}

async function untilInterrupted(work: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    while (!stop.signal.aborted) {
      await delay(POLL_MS, undefined, { signal: stop.signal }).catch(() => undefined);
      if (!stop.signal.aborted) await work();
    }
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
