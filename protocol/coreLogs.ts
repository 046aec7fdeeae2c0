import { z } from 'zod';
import { thingNameSchema } from './names';

/** What a core sends up of its log, by pino's numbers; what functions write to stderr counts as `warn`. */
export const LOG_LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, off: Infinity } as const;
export type EdgeLogLevel = keyof typeof LOG_LEVELS;
export const edgeLogLevelSchema = z.enum(Object.keys(LOG_LEVELS) as [EdgeLogLevel, ...EdgeLogLevel[]]);
export const DEFAULT_EDGE_LOG_LEVEL: EdgeLogLevel = 'warn';

/** A line of a core's log; `function` (name@version) where a function wrote it. */
export const logLineSchema = z.looseObject({
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
