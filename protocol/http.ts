import { z } from 'zod';
import { functionKeySchema, groupDefinitionSchema } from './definition/schema';
import { errorBodySchema } from './messages';
import { functionManifestSchema, locationSchema, platformSchema } from './manifest';
import { certificateIdSchema, digestSchema, requestIdSchema, thingNameSchema } from './names';
import { versionRangeSchema } from './versions';

/**
 * The HTTP routes between an edge core and the cloud. All use IAM authorisation (SigV4); the caller
 * is an assumed role whose session name is the core's certificate id.
 */
const packageLocationSchema = z.object({
  /** Presigned GET of the package; short-lived, never stored. */
  url: z.string(),
  digest: digestSchema,
  /** Bytes. */
  size: z.int(),
  /** ISO 8601. */
  expiresAt: z.string(),
});
export type PackageLocation = z.infer<typeof packageLocationSchema>;

export const validateRequestSchema = z.strictObject({
  requestId: requestIdSchema,
  device: thingNameSchema,
  version: versionRangeSchema.optional(),
  location: locationSchema.default('edge'),
  platform: platformSchema,
});
export type ValidateRequest = z.infer<typeof validateRequestSchema>;

const validateResponseSchema = z.object({
  manifest: functionManifestSchema,
  /** Device patterns in force for this function in this group. */
  devices: z.array(z.string()),
  /** Absent when the location asked for is the cloud. */
  package: packageLocationSchema.optional(),
  /** Last part of the topic for asynchronous calls, below `<prefix>/<device>/`. */
  topics: z.object({ call: z.string() }),
});
export type ValidateResponse = z.infer<typeof validateResponseSchema>;

const definitionResponseSchema = z.object({ definition: groupDefinitionSchema });

const deviceResponseSchema = z.object({
  thingName: thingNameSchema,
  certificateId: certificateIdSchema,
});
export type DeviceResponse = z.infer<typeof deviceResponseSchema>;

const cloudInvokeRequestSchema = z.strictObject({
  requestId: requestIdSchema,
  device: thingNameSchema,
  /** `name@version` of the function that calls on the edge, by its own right; absent: the device calls. */
  caller: functionKeySchema.optional(),
  version: versionRangeSchema.optional(),
  input: z.unknown().optional(),
});
export type CloudInvokeRequest = z.infer<typeof cloudInvokeRequestSchema>;

const cloudInvokeResponseSchema = z.object({
  version: z.string(),
  output: z.unknown(),
  durationMs: z.number(),
});
export type CloudInvokeResponse = z.infer<typeof cloudInvokeResponseSchema>;

export const errorResponseSchema = z.object({ error: errorBodySchema });

/** One table for the plugin's routes, the handlers' router, the core's client and OpenAPI. */
export const ROUTES = {
  validateFunction: {
    method: 'POST',
    path: '/groups/{group}/functions/{function}/validate',
    handler: 'validateFunction',
    request: validateRequestSchema,
    response: validateResponseSchema,
  },
  cloudRemoteExecution: {
    method: 'POST',
    path: '/groups/{group}/functions/{function}/invoke',
    handler: 'cloudRemoteExecution',
    request: cloudInvokeRequestSchema,
    response: cloudInvokeResponseSchema,
  },
  getGroupDefinition: {
    method: 'GET',
    /** `?revision=<n>` for an older one; `ETag` and `If-None-Match` for the latest. */
    path: '/groups/{group}/definition',
    handler: 'getGroupDefinition',
    request: undefined,
    response: definitionResponseSchema,
  },
  getPackage: {
    method: 'GET',
    path: '/groups/{group}/packages/{digest}',
    handler: 'getGroupDefinition',
    request: undefined,
    response: packageLocationSchema,
  },
  getDevice: {
    method: 'GET',
    path: '/groups/{group}/devices/{certificateId}',
    handler: 'getGroupDefinition',
    request: undefined,
    response: deviceResponseSchema,
  },
} as const;
export type RouteName = keyof typeof ROUTES;

/** Fills `{name}` segments of a route's path. */
export function routePath(route: RouteName, params: Record<string, string>): string {
  return ROUTES[route].path.replace(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  );
}
