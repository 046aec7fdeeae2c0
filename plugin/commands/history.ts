import { systemClock } from '../../lib/clock';
import { pause } from '../../lib/timeLimit';
import {
  readEdgeLogs,
  sinceLastLook,
  type EdgeLogLine,
  type LoggingCore,
} from '../../operations/inspection/edgeLogs';
import { readEvents, type HistoryEvent } from '../../operations/inspection/events';
import { groupsNamed, requireDefinition } from '../../operations/inspection/overview';
import { EdgeError, edgeLogLevelSchema, LOG_LEVELS, type EdgeLogLevel } from '../../protocol';
import { isSet, text, type CommandContext, type CommandResult } from './command';

const EVENTS_SINCE = '1d';

/**
 * `sls edge events [--group] [--since] [--tail]`. With `--tail` it prints what happens until it is
 * interrupted; `--json` is one document per line then. Logs of system functions: `sls logs -f <name>`.
 */
export async function events(context: CommandContext): Promise<CommandResult | undefined> {
  const { service, options } = context;
  const group = text(options, 'group');
  const since = Date.now() - durationOf(text(options, 'since') ?? EVENTS_SINCE);
  const seen = new Set<string>();
  const next = async (): Promise<HistoryEvent[]> =>
    (await readEvents(service, since, seen)).filter((each) => group === undefined || concerns(each, group));
  const first = await next();
  if (await tail(context, eventLine, first, next)) return undefined;
  return { json: { events: first }, text: first.map(eventLine).join('\n') || 'Nothing happened.' };
}

/** Packages belong to no group, and are of interest to each. */
function concerns({ group, what }: HistoryEvent, wanted: string): boolean {
  return group === wanted || what === 'package';
}

const WHAT_WIDTH = 10;

function eventLine({ at, what, about, text: said, ok }: HistoryEvent): string {
  return `${at}  ${ok ? ' ' : '!'} ${what.padEnd(WHAT_WIDTH)} ${about}  ${said}`;
}

const LOGS_SINCE = '1h';

/**
 * `sls edge logs [--group] [--function | --core] [--level] [--since] [--tail]`: what edge cores and the
 * functions there logged, from the level on that `edge.logs` names. With `--tail` until it is interrupted.
 */
export async function logs(context: CommandContext): Promise<CommandResult | undefined> {
  const { service, options } = context;
  const cores = await coresOf(context, text(options, 'group'));
  const name = text(options, 'function');
  const level = levelOf(text(options, 'level'));
  const query = {
    cores,
    coreOnly: isSet(options, 'core'),
    ...(name !== undefined && { function: name }),
    ...(level !== undefined && { level }),
  };
  const since = Date.now() - durationOf(text(options, 'since') ?? LOGS_SINCE);
  const seen = new Set<string>();
  const first = await readEdgeLogs(service, { ...query, since }, seen);
  const tailed = await tail(context, logLine, first, () => {
    const sentSince = Math.max(since, sinceLastLook(Date.now()));
    return readEdgeLogs(service, { ...query, since, sentSince }, seen);
  });
  if (tailed) return undefined;
  return { json: { lines: first }, text: first.map(logLine).join('\n') || nothing(context) };
}

/** Throws GROUP_NOT_FOUND. */
async function coresOf({ service }: CommandContext, only: string | undefined): Promise<LoggingCore[]> {
  const groups = await groupsNamed(service, only);
  const definitions = await Promise.all(groups.map((group) => requireDefinition(service, group)));
  return definitions.flatMap(({ group, core }) =>
    core === undefined ? [] : [{ group, core: core.thingName }],
  );
}

function levelOf(given: string | undefined): EdgeLogLevel | undefined {
  if (given === undefined) return undefined;
  const { data } = edgeLogLevelSchema.exclude(['off']).safeParse(given);
  if (data !== undefined) return data;
  throw new EdgeError('BAD_REQUEST', `--level: found ${given}`, {
    expected: 'trace, debug, info, warn or error',
  });
}

function nothing({ configuration }: CommandContext): string {
  const level = configuration().section.logs;
  if (level === 'off') return 'Edges send no logs: edge.logs is off.';
  return `No edge logged anything of level ${level} or above: edge.logs names the level that is sent.`;
}

const LEVEL_WIDTH = 5;

function logLine({ time, level, group, function: name, msg = '', ...rest }: EdgeLogLine): string {
  const what = Object.entries(LOG_LEVELS).findLast(([, number]) => number <= level)?.[0] ?? String(level);
  const said = [msg, reasonOf(rest)].filter(Boolean).join(': ');
  return `${new Date(time).toISOString()}  ${what.padEnd(LEVEL_WIDTH)} ${group}  ${name ?? 'core'}  ${said}`;
}

/** What a line says beside its message: of the core's own, why. */
function reasonOf({ code, reason, err }: Record<string, unknown>): string {
  const error = err as { message?: string } | undefined;
  return [code, reason ?? error?.message].filter((each) => typeof each === 'string').join(' ');
}

const POLL_MS = 2_000;
const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `--since`, in milliseconds. Throws BAD_REQUEST. */
function durationOf(given: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(given) ?? [];
  if (count !== undefined && unit !== undefined) return Number(count) * (UNITS[unit] ?? 0);
  throw new EdgeError('BAD_REQUEST', `--since: found ${given}`, { expected: 'such as 90s, 30m, 12h or 7d' });
}

/**
 * With `--tail`, prints `first` and what comes until SIGINT or SIGTERM, a line each; with `--json` one document
 * per line. False without it.
 */
async function tail<T>(
  { utils, options }: CommandContext,
  line: (item: T) => string,
  first: readonly T[],
  next: () => Promise<readonly T[]>,
): Promise<boolean> {
  if (!isSet(options, 'tail')) return false;
  const print = (items: readonly T[]): void => {
    for (const item of items) utils.writeText(isSet(options, 'json') ? JSON.stringify(item) : line(item));
  };
  print(first);
  const stop = new AbortController();
  const isStopped = (): boolean => stop.signal.aborted;
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    while (!isStopped()) {
      await pause(POLL_MS, stop.signal, systemClock);
      if (!isStopped()) print(await next());
    }
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
  return true;
}
