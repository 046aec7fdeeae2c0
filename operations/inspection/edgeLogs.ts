import { coreLogsSchema, keys, LOG_LEVELS, type EdgeLogLevel, type LogLine } from '../../protocol';
import type { OperatorAccess } from '../groups/changeGroup';
import { inParallel } from '../../lib/concurrency';
import { tryParseJson } from '../../lib/json';
import { objectsBelow, readText, READS_AT_ONCE } from '../objects';

export interface EdgeLogLine extends LogLine {
  group: string;
  core: string;
}

/** A core of a group, or one that it had. */
export interface LoggingCore {
  group: string;
  core: string;
}

export interface LogQuery {
  cores: readonly LoggingCore[];
  /** Milliseconds since the epoch. */
  since: number;
  /** Look at what was sent since then alone; what is older than `since` is left out all the same. */
  sentSince?: number;
  /** By any version of this function alone. */
  function?: string;
  /** Of the core itself alone. */
  coreOnly?: boolean;
  level?: EdgeLogLevel;
}

/** A batch may be stored this much later than one that was sent after it. */
const LATE_MS = 60_000;

/**
 * What edges logged, oldest first, without the batches in `seen` (keys); those that are read are added
 * to it. Cores send in batches, by their own clock: what they have just logged comes a few seconds later.
 */
export async function readEdgeLogs(
  { operator, outputs }: OperatorAccess,
  query: LogQuery,
  seen: Set<string> = new Set(),
): Promise<EdgeLogLine[]> {
  const { s3 } = operator.clients;
  const perCore = await Promise.all(
    query.cores.map(async ({ group, core }) => {
      const prefix = keys.coreLogs(core);
      const after = `${prefix}${String(Math.max(0, query.sentSince ?? query.since)).padStart(13, '0')}`;
      const all = await objectsBelow(s3, outputs.functionsBucket, prefix, after);
      const fresh = all.filter(({ key }) => !seen.has(key));
      for (const { key } of fresh) seen.add(key);
      const texts = await inParallel(fresh, READS_AT_ONCE, ({ key }) =>
        readText(s3, outputs.functionsBucket, key),
      );
      return texts
        .flatMap((text) => linesOf(text))
        .map((line) => ({ ...line, level: severity(line), group, core }));
    }),
  );
  return perCore
    .flat()
    .filter((line) => matches(line, query))
    .sort((a, b) => a.time - b.time);
}

/** `sentSince` of a further look, which must not miss what was stored late. */
export function sinceLastLook(now: number): number {
  return now - LATE_MS;
}

/** A batch that cannot be read tells nothing; what was left out before it is a line of its own. */
function linesOf(text: string | undefined): LogLine[] {
  const batch = coreLogsSchema.safeParse(tryParseJson(text ?? '')).data;
  if (batch === undefined) return [];
  const { dropped, lines } = batch;
  if (dropped === 0) return lines;
  const time = lines[0]?.time ?? Number(batch.at);
  return [{ level: LOG_LEVELS.warn, time, msg: `${dropped} earlier lines were left out` }, ...lines];
}

/** As the core counts it when it decides what to send. */
function severity({ level, stream }: LogLine): number {
  return stream === 'stderr' ? Math.max(level, LOG_LEVELS.warn) : level;
}

function matches(line: EdgeLogLine, { since, function: name, coreOnly, level }: LogQuery): boolean {
  const author = line.function?.split('@', 1)[0];
  return (
    line.time >= since &&
    (name === undefined || author === name) &&
    (!coreOnly || author === undefined) &&
    (level === undefined || line.level >= LOG_LEVELS[level])
  );
}
