import { readEvents, type ServiceEvent } from '../../operations/inspection/events';
import { text, type CommandContext, type CommandResult } from './command';
import { durationOf, tail } from './watching';

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
  if (await tail(context, line, first, next)) return undefined;
  return { json: { events: first }, text: first.map(line).join('\n') || 'Nothing happened.' };
}

/** Packages belong to no group, and are of interest to each. */
function concerns({ group, what }: ServiceEvent, wanted: string): boolean {
  return group === wanted || what === 'package';
}

const WHAT_WIDTH = 10;

function line({ at, what, about, text: said, ok }: ServiceEvent): string {
  return `${at}  ${ok ? ' ' : '!'} ${what.padEnd(WHAT_WIDTH)} ${about}  ${said}`;
}
