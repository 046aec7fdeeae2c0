import { z } from 'zod';
import { errorBodySchema } from './messages';
import { groupNameSchema, thingNameSchema } from './names';

/**
 * What a core reports about itself on `<prefix>/core/<core>/status`. A rule stores each report under
 * `status/<core>/<boot>/<seq>.json`, so that a late one never overwrites a newer one.
 */
export const coreStatusSchema = z.strictObject({
  core: thingNameSchema,
  group: groupNameSchema,
  /** Milliseconds since the epoch at which this core process started, as 13 digits: sorts as text. */
  boot: z.string().regex(/^\d{13}$/),
  /** Rises by one with each report of a boot, as 10 digits: sorts as text. */
  seq: z.string().regex(/^\d{10}$/),
  /** ISO 8601. */
  at: z.string(),
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
