import { z } from 'zod';

/**
 * The lifecycle of a component. The reference writes `install` as well as `Install`, and the nucleus reads
 * keys in any case; here they become the one form that this product writes: steps in lower case, their
 * fields capitalised.
 */

const STEPS = ['install', 'startup', 'run', 'shutdown', 'recover', 'bootstrap'] as const;
export type LifecycleStepName = (typeof STEPS)[number];

const STEP_FIELDS = ['Script', 'Skipif', 'RequiresPrivilege', 'Timeout', 'Setenv', 'BootstrapOnRollback'];
const LIFECYCLE_FIELDS = [...STEPS, 'Setenv'];

const environmentSchema = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean()]).transform(String),
);
const secondsSchema = z
  .union([z.number(), z.string().regex(/^\d+$/).transform(Number)])
  .pipe(z.int().positive());

const stepSchema = z.strictObject({
  Script: z.string().optional(),
  /** `onpath <executable>` or `exists <file>`: the step is left out when it holds. */
  Skipif: z
    .string()
    .regex(/^(onpath|exists) .+$/i, { error: '"onpath <executable>" or "exists <file>"' })
    .optional(),
  RequiresPrivilege: z.union([z.boolean(), z.stringbool()]).optional(),
  /** Seconds. Left out: 120 for install, startup and bootstrap, 15 for shutdown, 60 for recover. */
  Timeout: secondsSchema.optional(),
  Setenv: environmentSchema.optional(),
  BootstrapOnRollback: z.boolean().optional(),
});

/** A script, or a script with its conditions; in a global lifecycle also one per selection. */
const stepOrScript = z.union([
  z.string(),
  z.preprocess((value) => withKeysOf(value, STEP_FIELDS), stepSchema),
]);

const steps = z.strictObject({
  Setenv: environmentSchema.optional(),
  install: stepOrScript.optional(),
  startup: stepOrScript.optional(),
  run: stepOrScript.optional(),
  shutdown: stepOrScript.optional(),
  recover: stepOrScript.optional(),
  bootstrap: stepOrScript.optional(),
});

export const lifecycleSchema = z
  .preprocess((value) => withKeysOf(value, LIFECYCLE_FIELDS), steps)
  .refine(({ startup, run }) => startup === undefined || run === undefined, {
    error: 'startup or run, not both',
  });
export type Lifecycle = z.output<typeof lifecycleSchema>;

/** Keys that are the same but for their case, as in `names`; what is no object stays as it is. */
function withKeysOf(value: unknown, names: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      names.find((name) => name.toLowerCase() === key.toLowerCase()) ?? key,
      field as unknown,
    ]),
  );
}
