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

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const LOG_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const days = (fallback: number, what: string) =>
  z.int().min(1).max(36_500).default(fallback).describe(`${what}, in days.`);

const retentionSchema = z
  .strictObject({
    logs: z
      .literal(LOG_DAYS)
      .optional()
      .describe(
        'Logs of the system functions, in days. Default: provider.logRetentionInDays, or 30 without that.',
      ),
    uploads: days(30, 'Uploaded packages, once they are registered or refused'),
    results: days(30, 'What became of each upload'),
    status: days(14, 'Status reports of edge cores'),
    edgeLogs: days(7, 'Logs of edge cores and the functions there'),
    failures: days(30, 'What could not be delivered or read'),
    revisions: days(90, 'Older revisions of group definitions and records of deployments'),
  })
  .prefault({})
  .describe('How long things are kept. Packages, the registry and the latest definitions are kept for good.');

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
export type CheckedSection = z.output<typeof edgeSectionSchema>;
export type GroupSection = CheckedSection['groups'][string];

/** For editors, as `docs/schemas/edge-section.schema.json`, and for what is said about unknown keys. */
export function edgeSectionJsonSchema(): Record<string, unknown> {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(edgeSectionSchema, {
    io: 'input',
    target: 'draft-7',
  });
  return schema;
}

/** Of a section with problems, the groups and functions without: their names can still be checked. */
export function readableParts(found: unknown): CheckedSection {
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
