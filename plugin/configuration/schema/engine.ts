import { z } from 'zod';
import { deliverySchema } from '../../../protocol';

const MINUTES_OF_A_DAY = 24 * 60;

const sweepMinutes = z
  .int()
  .min(1)
  .max(MINUTES_OF_A_DAY)
  .default(5)
  .describe('How often the sweep looks for updates and deployments whose events got lost, in minutes.');

const directSchema = z.strictObject({
  name: z.literal('direct').describe('The edge core fetches functions itself; nothing restarts.'),
  sweepMinutes,
});

const greengrassV2Schema = z.strictObject({
  name: z.literal('greengrassv2').describe('AWS IoT Greengrass V2: the edge core is a component.'),
  delivery: deliverySchema
    .default('hot')
    .describe(
      'How functions come to a core, where the group says nothing else. hot: the core fetches and starts them ' +
        'itself, Greengrass shows the revision. components: each function is a Greengrass component.',
    ),
  sweepMinutes,
});

const greengrassV1Schema = z.strictObject({
  name: z
    .literal('greengrass')
    .describe('AWS IoT Greengrass V1, which AWS closed on 2026-10-07: for V1-compatible APIs only.'),
  sweepMinutes,
});

const ENGINES = ['direct', 'greengrassv2', 'greengrass'] as const;

const optionsSchema = z.discriminatedUnion('name', [directSchema, greengrassV2Schema, greengrassV1Schema], {
  error: `expected one of ${ENGINES.join(', ')}`,
});

/** An empty value, such as that of an unset variable, leaves the option out. */
function withoutEmpty(found: unknown): unknown {
  if (found === null || typeof found !== 'object' || Array.isArray(found)) return found;
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null));
}

/** The name of an engine alone, or with its options. */
export const engineSchema = z
  .preprocess(
    withoutEmpty,
    z.union([z.enum(ENGINES).transform((name) => optionsSchema.parse({ name })), optionsSchema], {
      error: `expected the name of an engine (${ENGINES.join(', ')}), or { name: …, and its options }`,
    }),
  )
  .prefault('direct')
  .describe('What brings definitions to edge cores: its name, or { name, and its options }.');
