import { z } from 'zod';
import { edgeLogLevelSchema } from '../coreReports';
import { functionManifestSchema } from '../manifest';
import { errorBodySchema } from '../messages';
import {
  certificateIdSchema,
  devicePatternSchema,
  functionNameSchema,
  groupNameSchema,
  requestIdSchema,
  thingNameSchema,
  versionSchema,
} from '../names';

/**
 * The definition of an edge group: desired state. It is a set of last-writer-wins registers, each
 * with its own sequence number (`seq`), so that updates commute and duplicates do nothing
 * (see merge.ts). Removing is a tombstone, never the absence of an entry.
 */
const seq = z.int().nonnegative();

const coreEntrySchema = z.strictObject({
  thingName: thingNameSchema,
  certificateId: certificateIdSchema,
  seq,
});

const deviceEntrySchema = z.strictObject({
  certificateId: certificateIdSchema,
  /** Who added it: an operator's word outranks a core's. */
  source: z.enum(['operator', 'core']),
  seq,
  revoked: z.literal(true).optional(),
});

/** A function that the operator puts on the edge ahead of any request. */
const staticEntrySchema = z.strictObject({
  version: versionSchema,
  seq,
  removed: z.literal(true).optional(),
});

/** Overrides `devices` of the function's manifest in this group. */
const entitlementEntrySchema = z.strictObject({
  devices: z.array(devicePatternSchema),
  seq,
});

/** One device wants one function, at this exact version. Keyed `<device>/<function>`. */
const claimEntrySchema = z.strictObject({
  version: versionSchema,
  seq,
  released: z.literal(true).optional(),
});

/** Units: MiB, MiB, count. */
const limitsEntrySchema = z.strictObject({
  storage: z.int().positive(),
  memory: z.int().positive(),
  instances: z.int().positive(),
  seq,
});

/** How functions come to the core, for engines that offer more than one way. */
export const deliverySchema = z.enum(['hot', 'components']);
export type Delivery = z.infer<typeof deliverySchema>;

const engineEntrySchema = z.strictObject({
  delivery: deliverySchema,
  /** ARN of the thing or thing group that Greengrass deployments target; absent: the core's thing. */
  targetArn: z.string().startsWith('arn:').optional(),
  seq,
});

/** Up to which sequence numbers claims and the static of a version are meant. */
const coveredSchema = z.strictObject({ claims: seq, static: seq });

/**
 * This version is known not to run on this group. Claims and the static whose numbers are not above
 * `upTo` get the fallback in its place, or nothing; a later confirm or redeploy tries the version again.
 */
const rollbackEntrySchema = z.strictObject({
  error: errorBodySchema,
  /** The last good version of the function. */
  fallback: versionSchema.optional(),
  upTo: coveredSchema,
  seq,
});
export type RollbackEntry = z.infer<typeof rollbackEntrySchema>;

/** What the core sends up of its log. */
const logsEntrySchema = z.strictObject({ level: edgeLogLevelSchema, seq });

const claimKeySchema = z
  .string()
  .regex(/^[a-zA-Z0-9:_-]{1,128}\/[a-zA-Z][a-zA-Z0-9_-]{0,47}$/, 'expected "<device>/<function>"');
export const functionKeySchema = z
  .string()
  .regex(/^[a-zA-Z][a-zA-Z0-9_-]{0,47}@.+$/, 'expected "<function>@<version>"');

const registers = {
  core: coreEntrySchema.optional(),
  devices: z.record(thingNameSchema, deviceEntrySchema).default({}),
  statics: z.record(functionNameSchema, staticEntrySchema).default({}),
  entitlements: z.record(functionNameSchema, entitlementEntrySchema).default({}),
  claims: z.record(claimKeySchema, claimEntrySchema).default({}),
  limits: limitsEntrySchema.optional(),
  engine: engineEntrySchema.optional(),
  logs: logsEntrySchema.optional(),
  rollbacks: z.record(functionKeySchema, rollbackEntrySchema).optional(),
  /** Manifests of the versions that statics and claims name, and of fallbacks. Immutable per key. */
  functions: z.record(functionKeySchema, functionManifestSchema).default({}),
};

export const groupDefinitionSchema = z.strictObject({
  format: z.literal(1),
  group: groupNameSchema,
  /** Rises with every change, never falls; a rollback is a higher revision. */
  revision: z.int().nonnegative(),
  ...registers,
});
export type GroupDefinition = z.infer<typeof groupDefinitionSchema>;

const originSchema = z.strictObject({
  kind: z.enum(['core', 'operator']),
  name: z.string(),
});

/** An authorised update as it is stored before it is acted upon. */
export const storedUpdateSchema = z.strictObject({
  requestId: requestIdSchema,
  group: groupNameSchema,
  origin: originSchema,
  /** ISO 8601. */
  receivedAt: z.string(),
  ...registers,
});
export type StoredUpdate = z.infer<typeof storedUpdateSchema>;

/** A version that does not start on this edge, as its core tells it. */
export const failureSchema = z.strictObject({
  function: functionNameSchema,
  version: versionSchema,
  error: errorBodySchema,
  /** The version of the function that runs on. */
  running: versionSchema.optional(),
  /** What the core tried to serve with it. */
  upTo: coveredSchema,
});
export type VersionFailure = z.infer<typeof failureSchema>;

/** What a core sends up, on `<prefix>/core/<core>/update`. Under 2 KB. */
export const coreUpdateSchema = z.strictObject({
  requestId: requestIdSchema,
  group: groupNameSchema,
  claims: z
    .array(
      z.strictObject({
        device: thingNameSchema,
        function: functionNameSchema,
        version: versionSchema,
        seq,
        released: z.literal(true).optional(),
      }),
    )
    .max(16)
    .default([]),
  joins: z
    .array(z.strictObject({ device: thingNameSchema, certificateId: certificateIdSchema, seq }))
    .max(8)
    .default([]),
  failures: z.array(failureSchema).max(4).optional(),
});
export type CoreUpdate = z.infer<typeof coreUpdateSchema>;

/** Down, on `…/accepted`. */
export const updateAcceptedSchema = z.object({ requestId: requestIdSchema });
/**
 * Down and retained, on `…/revision`: a hint to fetch the latest definition. With an error, and then not
 * retained: what this revision's deployment should have brought to the edge does not come, and why.
 */
export const revisionNoticeSchema = z.object({
  group: groupNameSchema,
  revision: z.int(),
  error: errorBodySchema.optional(),
});
export type RevisionNotice = z.infer<typeof revisionNoticeSchema>;

export function emptyDefinition(group: string): GroupDefinition {
  return {
    format: 1,
    group,
    revision: 0,
    devices: {},
    statics: {},
    entitlements: {},
    claims: {},
    functions: {},
  };
}

export function claimKey(device: string, functionName: string): string {
  return `${device}/${functionName}`;
}

export function splitClaimKey(key: string): { device: string; function: string } {
  const slash = key.lastIndexOf('/');
  return { device: key.slice(0, slash), function: key.slice(slash + 1) };
}
