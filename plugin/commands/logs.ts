import {
  readEdgeLogs,
  sinceLastLook,
  type EdgeLogLine,
  type LoggingCore,
} from '../../operations/inspection/edgeLogs';
import { groupsNamed, requireDefinition } from '../../operations/inspection/overview';
import { EdgeError, edgeLogLevelSchema, LOG_LEVELS, type EdgeLogLevel } from '../../protocol';
import { flag, text, type CommandContext, type CommandResult } from './command';
import { durationOf, tail } from './watching';

const DEFAULT_SINCE = '1h';

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
    coreOnly: flag(options, 'core'),
    ...(name !== undefined && { function: name }),
    ...(level !== undefined && { level }),
  };
  const since = Date.now() - durationOf(text(options, 'since') ?? DEFAULT_SINCE);
  const seen = new Set<string>();
  const first = await readEdgeLogs(service, { ...query, since }, seen);
  const tailed = await tail(context, line, first, () => {
    const sentSince = Math.max(since, sinceLastLook(Date.now()));
    return readEdgeLogs(service, { ...query, since, sentSince }, seen);
  });
  if (tailed) return undefined;
  return { json: { lines: first }, text: first.map(line).join('\n') || nothing(context) };
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

function line({ time, level, group, function: name, msg = '', ...rest }: EdgeLogLine): string {
  const what = Object.entries(LOG_LEVELS).findLast(([, number]) => number <= level)?.[0] ?? String(level);
  const said = [msg, reasonOf(rest)].filter(Boolean).join(': ');
  return `${new Date(time).toISOString()}  ${what.padEnd(LEVEL_WIDTH)} ${group}  ${name ?? 'core'}  ${said}`;
}

/** What a line says beside its message: of the core's own, why. */
function reasonOf({ code, reason, err }: Record<string, unknown>): string {
  const error = err as { message?: string } | undefined;
  return [code, reason ?? error?.message].filter((each) => typeof each === 'string').join(' ');
}
