import { z } from 'zod';
import { EdgeError, ERROR_TABLE, type ErrorBody, type ErrorCode } from './errors';
import { MAX_INVOKE_TIMEOUT_MS } from './limits';
import { locationSchema } from './manifest';
import { digestSchema, functionNameSchema, requestIdSchema, thingNameSchema } from './names';
import type { Ask, Reply } from './topics';
import { versionRangeSchema } from './versions';

/**
 * The messages between a device and its edge core. All are JSON objects; correlation ids travel in
 * the payload (MQTT 3.1.1 has no properties). Durations are milliseconds, sizes bytes.
 */
const errorCodes = Object.keys(ERROR_TABLE) as [ErrorCode, ...ErrorCode[]];

// JSON has no `undefined`: what is not there is absent.
export const errorBodySchema = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  field: z.string().optional(),
  expected: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
}) as z.ZodType<ErrorBody>;

const request = { requestId: requestIdSchema };
const wanted = { function: functionNameSchema, version: versionRangeSchema.optional() };

const invokeLocationSchema = z.enum(['edge', 'cloud', 'any']);
export type RequestedLocation = z.infer<typeof invokeLocationSchema>;

export const askSchemas = {
  join: z.strictObject({
    ...request,
    client: z.strictObject({ name: z.string().max(64), version: z.string().max(64) }).optional(),
  }),
  request: z.strictObject({ ...request, ...wanted }),
  confirm: z.strictObject(request),
  release: z.strictObject({ ...request, function: functionNameSchema }),
  prefetch: z.strictObject({ ...request, ...wanted }),
  invoke: z.strictObject({
    ...request,
    ...wanted,
    location: invokeLocationSchema.default('edge'),
    input: z.unknown().optional(),
    timeoutMs: z.int().min(1).max(MAX_INVOKE_TIMEOUT_MS).optional(),
  }),
} as const satisfies Record<Ask, z.ZodType>;

/** Asynchronous call, on `<prefix>/<device>/call/<function>`; the result is discarded. */
export const callSchema = z.strictObject({
  ...request,
  version: versionRangeSchema.optional(),
  input: z.unknown().optional(),
});

export type AskMessage<K extends Ask = Ask> = z.infer<(typeof askSchemas)[K]>;
export type CallMessage = z.infer<typeof callSchema>;

export const PROGRESS_STAGES = [
  'validating',
  'confirmed',
  'stored',
  'deploying',
  'fetching',
  'starting',
] as const;

const served = { function: functionNameSchema, version: z.string() };

export const replySchemas = {
  joined: z.object({ ...request, edge: thingNameSchema, revision: z.int() }),
  available: z.object({
    ...request,
    ...served,
    digest: digestSchema,
    size: z.int(),
    locations: z.array(locationSchema),
    /** The offer lapses after this long without a confirm. */
    expiresInMs: z.int(),
  }),
  progress: z.object({
    ...request,
    function: functionNameSchema,
    stage: z.enum(PROGRESS_STAGES),
  }),
  ready: z.object({
    ...request,
    ...served,
    revision: z.int(),
    /** Topic for asynchronous calls. */
    callTopic: z.string(),
    /** True when the function was on the edge already. */
    present: z.boolean(),
  }),
  released: z.object({ ...request, function: functionNameSchema }),
  prefetched: z.object({ ...request, ...served, size: z.int() }),
  result: z.object({
    ...request,
    ...served,
    location: locationSchema,
    output: z.unknown(),
    durationMs: z.number(),
  }),
  failed: z.object({ requestId: requestIdSchema.optional(), error: errorBodySchema }),
} as const satisfies Record<Reply, z.ZodType>;

export type ReplyMessage<K extends Reply = Reply> = z.infer<(typeof replySchemas)[K]>;

/** Retained on `<prefix>/status`. */
export const edgeStatusSchema = z.object({
  state: z.enum(['starting', 'ready', 'reconciling', 'stopping', 'offline']),
  revision: z.int(),
  edge: thingNameSchema,
});
export type EdgeStatusMessage = z.infer<typeof edgeStatusSchema>;

/** The request id of a payload that may be malformed, so that even its refusal can be matched. */
export function requestIdOf(payload: unknown): string | undefined {
  const id = (payload as { requestId?: unknown } | null | undefined)?.requestId;
  return requestIdSchema.safeParse(id).success ? (id as string) : undefined;
}

export function failedReply(requestId: string | undefined, error: unknown): ReplyMessage<'failed'> {
  const body = EdgeError.from(error).toJSON();
  return requestId === undefined ? { error: body } : { requestId, error: body };
}
