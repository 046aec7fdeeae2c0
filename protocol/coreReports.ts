import { z } from 'zod';
import { errorBodySchema } from './messages';
import { groupNameSchema, thingNameSchema } from './names';

/** What a core sends up of its log, by pino's numbers; what functions write to stderr counts as `warn`. */
export const LOG_LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, off: Infinity } as const;
export type EdgeLogLevel = keyof typeof LOG_LEVELS;
export const edgeLogLevelSchema = z.enum(Object.keys(LOG_LEVELS) as [EdgeLogLevel, ...EdgeLogLevel[]]);
export const DEFAULT_EDGE_LOG_LEVEL: EdgeLogLevel = 'warn';

/** A line of a core's log; `function` (name@version) where a function wrote it. */
const logLineSchema = z.looseObject({
  level: z.number(),
  /** Milliseconds since the epoch, by the clock of the core. */
  time: z.number(),
  msg: z.string().optional(),
  function: z.string().optional(),
});
export type LogLine = z.infer<typeof logLineSchema>;

/**
 * Lines of a core's log on `<prefix>/core/<core>/log`. A rule stores each batch at
 * `logs/<core>/<at>-<seq>.json`, so that keys sort by time.
 */
export const coreLogsSchema = z.strictObject({
  core: thingNameSchema,
  /** When it was sent: milliseconds since the epoch, as 13 digits. */
  at: z.string().regex(/^\d{13}$/),
  /** Rises by one with each batch of a boot, as 10 digits. */
  seq: z.string().regex(/^\d{10}$/),
  /** Lines that were left out before these, for want of room. */
  dropped: z.int().nonnegative(),
  lines: z.array(logLineSchema),
});
export type CoreLogs = z.infer<typeof coreLogsSchema>;

/** Reports that are kept of a core, beside the last heartbeat. */
const STATUS_SLOTS = 100;

/**
 * Where a report is kept: numbers go round, from another start at each boot, so that a core that never
 * stops starting does not fill the bucket either.
 */
export function statusSlot(boot: number, seq: number): string {
  return String((Math.floor(boot / 1000) + seq) % STATUS_SLOTS).padStart(2, '0');
}

/**
 * What a core reports about itself on `<prefix>/core/<core>/status`: after each change, and as a heartbeat
 * when nothing changes. A rule stores it at `status/<core>/<slot>.json`. The youngest is the one with the
 * highest boot and sequence: a late report counts for nothing.
 */
export const coreStatusSchema = z.strictObject({
  core: thingNameSchema,
  group: groupNameSchema,
  /** Milliseconds since the epoch at which this core process started, as 13 digits: sorts as text. */
  boot: z.string().regex(/^\d{13}$/),
  /** Rises by one with each report of a boot, as 10 digits: sorts as text. */
  seq: z.string().regex(/^\d{10}$/),
  /** Two digits, or `heartbeat`. */
  slot: z.string().regex(/^(\d{2}|heartbeat)$/),
  /** ISO 8601. */
  at: z.string(),
  /** Seconds after which the next report comes at the latest. */
  heartbeat: z.int().positive(),
  state: z.enum(['ready', 'reconciling', 'stopping']),
  /** The revision that runs. */
  revision: z.int().nonnegative(),
  functions: z.array(
    z.strictObject({
      /** `name@version` */
      key: z.string(),
      state: z.enum(['running', 'fetching', 'starting', 'failed']),
      error: errorBodySchema.optional(),
    }),
  ),
});
export type CoreStatus = z.infer<typeof coreStatusSchema>;
