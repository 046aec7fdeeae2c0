import { z } from 'zod';

const MINUTES_OF_A_DAY = 24 * 60;

const directSchema = z.strictObject({
  name: z.literal('direct').describe('The edge core fetches functions itself; nothing restarts.'),
  sweepMinutes: z
    .int()
    .min(1)
    .max(MINUTES_OF_A_DAY)
    .default(5)
    .describe('How often the sweep looks for updates whose events got lost, in minutes.'),
});

/** `direct` alone, or with its options. */
export const engineSchema = z
  .union([z.enum(['direct']).transform((name) => directSchema.parse({ name })), directSchema], {
    error: 'expected the name of an engine (direct), or { name: …, and its options }',
  })
  .prefault('direct')
  .describe('What brings definitions to edge cores: its name, or { name, and its options }.');
