import { z } from 'zod';

const bucketNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected a bucket name: 3 to 63 of a-z, 0-9, "." and "-"');

const EXPECTED = 'expected the name of a bucket, { name: … } or { existing: … }';

/** `name` and `{ name }` make a bucket of that name; `{ existing }` uses one that is there and stays. */
export const bucketSchema = z.union(
  [
    bucketNameSchema.transform((name) => ({ name, existing: false })),
    z
      .strictObject({
        name: bucketNameSchema.optional().describe('The stack makes a bucket of this name.'),
        existing: bucketNameSchema
          .optional()
          .describe(
            'A bucket that is there already. Only its event notification is set (by the custom resource of ' +
              'the framework); encryption, lifecycle and policy stay as they are.',
          ),
      })
      .refine(({ name, existing }) => (name === undefined) !== (existing === undefined), { error: EXPECTED })
      .transform(({ name, existing }) => ({
        name: (name ?? existing) as string,
        existing: existing !== undefined,
      })),
  ],
  { error: EXPECTED },
);
