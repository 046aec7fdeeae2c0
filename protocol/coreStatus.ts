import { z } from 'zod';
import { errorBodySchema } from './messages';
import { groupNameSchema, thingNameSchema } from './names';

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
