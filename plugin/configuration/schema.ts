import { z } from 'zod';
import {
  devicePatternSchema,
  functionConfigSchema,
  functionNameSchema,
  groupNameSchema,
  thingNameSchema,
} from '../../protocol';

/** The `edge` section of serverless.yml. Units: MiB, seconds, days. */
const bucketNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected a bucket name: 3 to 63 of a-z, 0-9, "." and "-"');

const topicPrefixSchema = z
  .string()
  .regex(
    /^[a-zA-Z0-9_-]{1,64}(\/[a-zA-Z0-9_-]{1,64})?$/,
    'expected one or two topic segments of a-z, A-Z, 0-9, "_" and "-"',
  );

const groupSchema = z.strictObject({
  core: thingNameSchema.optional().describe('Thing name of the edge core. Default: "<group>-core".'),
  devices: z
    .array(devicePatternSchema)
    .default([])
    .describe('Devices of the group: thing names or patterns.'),
  functions: z
    .array(functionNameSchema)
    .default([])
    .describe('Functions that are on the edge before any request.'),
  limits: z
    .strictObject({
      storage: z.int().positive().default(1024).describe('Packages on the edge, in MiB.'),
      memory: z.int().positive().default(1024).describe('All running instances together, in MiB.'),
      instances: z.int().positive().default(64).describe('Running instances.'),
    })
    .prefault({}),
});

/** Fields of edge.json without their defaults: what is left out here comes from `functions:`. */
const fields = functionConfigSchema.shape;
const edgeFunctionSchema = z.strictObject({
  locations: fields.locations.unwrap().optional(),
  version: fields.version,
  devices: fields.devices.unwrap().optional(),
  memory: fields.memory.unwrap().optional(),
  timeout: fields.timeout.unwrap().optional(),
  instances: fields.instances.unwrap().optional(),
  pinned: fields.pinned.unwrap().optional(),
  environment: fields.environment.optional(),
  requires: fields.requires.unwrap().optional(),
});

export const edgeSectionSchema = z.strictObject({
  engine: z.enum(['direct']).default('direct').describe('What brings definitions to edge cores.'),
  topics: z
    .strictObject({
      prefix: topicPrefixSchema.default('edge').describe('Device topics, the same on every edge.'),
    })
    .prefault({}),
  buckets: z
    .strictObject({
      functions: bucketNameSchema.optional().describe('Name of the bucket for function packages.'),
      state: bucketNameSchema.optional().describe('Name of the bucket for registry and definitions.'),
    })
    .prefault({}),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  groups: z
    .record(groupNameSchema, groupSchema)
    .default({})
    .describe('Edge groups: one core and its devices each.'),
  functions: z
    .record(functionNameSchema, edgeFunctionSchema.nullable())
    .default({})
    .describe('Entries of "functions" that devices can ask for.'),
});
export type EdgeSection = z.output<typeof edgeSectionSchema>;

export function edgeSectionJsonSchema(): Record<string, unknown> {
  // The framework's validator is ajv 8 in draft-07 mode and wants no $schema of its own.
  const { $schema: _dialect, ...schema } = z.toJSONSchema(edgeSectionSchema, {
    io: 'input',
    target: 'draft-7',
  });
  return schema;
}
