import { z } from 'zod';
import {
  DEFAULT_EDGE_LOG_LEVEL,
  edgeLogLevelSchema,
  functionNameSchema,
  groupNameSchema,
} from '../../../protocol';
import { bucketSchema } from './buckets';
import { engineSchema } from './engine';
import { edgeFunctionSchema } from './functions';
import { groupSchema } from './groups';
import { retentionSchema } from './retention';

const topicPrefixSchema = z
  .string()
  .regex(
    /^[a-zA-Z0-9_-]{1,64}(\/[a-zA-Z0-9_-]{1,64})?$/,
    'expected one or two topic segments of a-z, A-Z, 0-9, "_" and "-"',
  );

/** The `edge` section of serverless.yml. Every key has its description here: editors show it. */
export const edgeSectionSchema = z.strictObject({
  engine: engineSchema,
  groups: z
    .record(groupNameSchema, groupSchema)
    .default({})
    .describe('Edge groups by name: one edge core and its devices each.'),
  functions: z
    .record(functionNameSchema, edgeFunctionSchema.nullable())
    .default({})
    .describe('Entries of "functions" that devices can ask for; an empty entry takes every default.'),
  topics: z
    .strictObject({
      prefix: topicPrefixSchema
        .default('edge')
        .describe('First segments of device topics. The same on every edge, or moving devices get lost.'),
    })
    .prefault({})
    .describe('MQTT topics.'),
  buckets: z
    .strictObject({
      functions: bucketSchema
        .optional()
        .describe('Bucket of function packages: its name, or an existing one.'),
      state: bucketSchema
        .optional()
        .describe('Bucket of the registry and of group definitions: its name, or an existing one.'),
    })
    .prefault({})
    .describe('S3 buckets. Left out: buckets of their own, named after service, stage, account and region.'),
  retention: retentionSchema,
  logs: edgeLogLevelSchema
    .default(DEFAULT_EDGE_LOG_LEVEL)
    .describe(
      'From which level on edge cores send their own log and that of functions to the cloud, for "sls edge logs"; ' +
        'what functions write to stderr counts as warn. off: nothing.',
    ),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('What the system functions log.'),
});
export type EdgeSection = z.output<typeof edgeSectionSchema>;
export type GroupSection = EdgeSection['groups'][string];

/** For editors, as `docs/schemas/edge-section.schema.json`, and for what is said about unknown keys. */
export function edgeSectionJsonSchema(): Record<string, unknown> {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(edgeSectionSchema, {
    io: 'input',
    target: 'draft-7',
  });
  return schema;
}

/** Of a section with problems, the groups and functions without: their names can still be checked. */
export function readableParts(found: unknown): EdgeSection {
  const { groups, functions } = (found ?? {}) as Record<string, unknown>;
  return {
    ...edgeSectionSchema.parse({}),
    groups: Object.fromEntries(
      entriesOf(groups).flatMap(([name, entry]) => {
        const { success, data } = groupSchema.safeParse(entry);
        return success ? [[name, data]] : [];
      }),
    ),
    functions: Object.fromEntries(
      entriesOf(functions).map(([name, entry]) => [name, edgeFunctionSchema.safeParse(entry).data ?? null]),
    ),
  };
}

function entriesOf(value: unknown): [string, unknown][] {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [];
}
