import semver from 'semver';
import { z } from 'zod';
import { EdgeError } from '../errors';
import { parseJsonWith } from '../parse';
import { lifecycleSchema } from './lifecycle';

/**
 * Recipes of Greengrass V2 components, format version 2020-01-25. Source: AWS IoT Greengrass V2 developer
 * guide, "Component recipe reference". Strict: a field that the reference does not have is refused.
 */

/** Bytes of a recipe at most (AWS IoT Greengrass V2 endpoints and quotas). */
export const MAX_RECIPE_BYTES = 16 * 1024;

export const componentNameSchema = z
  .string()
  .max(128)
  .regex(/^[a-zA-Z0-9-_.]+$/, { error: 'a component name of letters, digits, "-", "_" and "."' });

const componentVersionSchema = z
  .string()
  .max(64)
  .refine((version) => semver.valid(version) === version, { error: 'a semantic version such as 1.0.0' });

/** A literal, `*`, or a Java regular expression between slashes. */
const platformSchema = z.record(z.string(), z.string());

const permissionSchema = z.enum(['NONE', 'OWNER', 'ALL']);

const artifactSchema = z.strictObject({
  /** `s3://bucket/key`; the others are those of AWS's own components. */
  Uri: z.string().regex(/^(s3|greengrass|docker):.+/i, { error: 'an artifact URI such as s3://bucket/key' }),
  Unarchive: z.enum(['NONE', 'ZIP']).optional(),
  Permission: z
    .strictObject({ Read: permissionSchema.optional(), Execute: permissionSchema.optional() })
    .optional(),
  /** Base64. Read-only: Greengrass computes it when the component version is created. */
  Digest: z.string().optional(),
  Algorithm: z.literal('SHA-256').optional(),
});

const manifestSchema = z.strictObject({
  Name: z.string().optional(),
  Platform: platformSchema.optional(),
  Lifecycle: lifecycleSchema.optional(),
  Selections: z.array(z.string()).optional(),
  Artifacts: z.array(artifactSchema).optional(),
});

const dependencySchema = z.strictObject({
  VersionRequirement: z.string().refine((range) => semver.validRange(range) !== null, {
    error: 'a range of semantic versions such as >=1.0.0 <2.0.0',
  }),
  DependencyType: z.enum(['HARD', 'SOFT']).optional(),
});

export const recipeSchema = z.strictObject({
  RecipeFormatVersion: z.literal('2020-01-25'),
  ComponentName: componentNameSchema,
  ComponentVersion: componentVersionSchema,
  ComponentType: z
    .enum([
      'aws.greengrass.generic',
      'aws.greengrass.lambda',
      'aws.greengrass.plugin',
      'aws.greengrass.nucleus',
    ])
    .optional(),
  ComponentDescription: z.string().optional(),
  ComponentPublisher: z.string().optional(),
  /** ARN of the Lambda function that the component was made from. */
  ComponentSource: z.string().optional(),
  ComponentConfiguration: z
    .strictObject({ DefaultConfiguration: z.record(z.string(), z.unknown()).optional() })
    .optional(),
  ComponentDependencies: z.record(componentNameSchema, dependencySchema).optional(),
  Manifests: z.array(manifestSchema).min(1),
  /** Global: sections that manifests choose by their selections. */
  Lifecycle: lifecycleSchema.optional(),
});
export type Recipe = z.output<typeof recipeSchema>;
export type RecipeManifest = z.output<typeof manifestSchema>;
export type RecipeArtifact = z.output<typeof artifactSchema>;

/** Throws EdgeError `code` naming the first field that the recipe reference does not allow. */
export function parseRecipe(
  text: string | Uint8Array,
  code: 'BAD_REQUEST' | 'CONFIG_INVALID' = 'BAD_REQUEST',
): Recipe {
  requireRecipeSize(Buffer.byteLength(text));
  return parseJsonWith(recipeSchema, text, 'recipe', code);
}

/** The bytes for `inlineRecipe` of CreateComponentVersion. Throws EdgeError BAD_REQUEST when they are too many. */
export function encodeRecipe(recipe: Recipe): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(recipe));
  requireRecipeSize(bytes.length);
  return bytes;
}

function requireRecipeSize(bytes: number): void {
  if (bytes <= MAX_RECIPE_BYTES) return;
  throw new EdgeError('BAD_REQUEST', `a recipe of ${bytes} bytes is over the limit of ${MAX_RECIPE_BYTES}`, {
    field: 'recipe',
    expected: `at most ${MAX_RECIPE_BYTES} bytes`,
  });
}
