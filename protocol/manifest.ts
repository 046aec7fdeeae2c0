import { z } from 'zod';
import { EdgeError } from './errors';
import { devicePatternSchema, digestSchema, functionNameSchema, versionSchema } from './names';
import { SHARED_FILTER } from './sharedTopics';
import { satisfies, versionRangeSchema } from './versions';

export const locationSchema = z.enum(['edge', 'cloud']);
export type Location = z.infer<typeof locationSchema>;

const handlerSchema = z
  .string()
  .regex(
    /^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))(?:[A-Za-z0-9_.-]+\/+)*[A-Za-z0-9_-]+(?:\.[A-Za-z_$][A-Za-z0-9_$]*)+$/,
    'expected "<path of the module without extension>.<export>", such as "index.handler"; as on Lambda the name of the file ends at its first dot',
  )
  .max(128);

const sharedFilterSchema = z
  .string()
  .regex(SHARED_FILTER, 'expected a topic such as "alerts/line-1", with "+" or "#" as wildcards')
  .max(200);

/** What a function needs from the machine that runs it. */
const requirementsSchema = z.strictObject({
  /** semver range of Node versions. */
  node: versionRangeSchema.optional(),
  architectures: z
    .array(z.enum(['arm64', 'x64', 'arm']))
    .min(1)
    .optional(),
});

/**
 * `edge.json`: the configuration at the top level of a function package.
 * Units: memory in MiB, timeout in seconds, as in the Serverless Framework.
 */
export const functionConfigSchema = z.strictObject({
  name: functionNameSchema.describe('Name by which devices ask for the function.'),
  version: versionSchema
    .optional()
    .describe('Exact version. Left out: the next patch number whenever the content changes.'),
  handler: handlerSchema
    .default('index.handler')
    .describe('Module path and export, as for AWS Lambda. Without effect where `cloudFunction` runs alone.'),
  runtime: z
    .enum(['nodejs22.x', 'nodejs24.x'])
    .default('nodejs22.x')
    .describe('Lambda runtime; on the edge the Node.js of the core runs the function.'),
  locations: z.array(locationSchema).min(1).default(['edge']).describe('Where the function may run.'),
  memory: z.int().min(64).max(10_240).default(128).describe('Memory limit of one instance in MiB.'),
  timeout: z.int().min(1).max(900).default(6).describe('Longest run of one call in seconds.'),
  instances: z.int().min(1).max(64).default(2).describe('Most instances at once on one edge.'),
  pinned: z.boolean().default(false).describe('Keep one instance running for good.'),
  environment: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
    .default({})
    .refine((all) => JSON.stringify(all).length <= 4096, 'expected at most 4 KB in all')
    .describe('Environment variables of the function.'),
  devices: z
    .array(devicePatternSchema)
    .default(['*'])
    .describe('Which devices may use the function: thing names, "*" and "?" are wildcards.'),
  requires: requirementsSchema.default({}).describe('What the edge must offer.'),
  publishes: z
    .array(sharedFilterSchema)
    .max(32)
    .optional()
    .describe('Topics below "<prefix>/shared/" that the function may publish to; "+" and "#" as in MQTT.'),
  invokes: z
    .array(functionNameSchema)
    .max(32)
    .optional()
    .describe('Functions that the function may call, whichever device called it.'),
  description: z.string().max(256).optional(),
  cloudFunction: z
    .string()
    .regex(
      /^(arn:[^:]+:lambda:[^:]+:\d{12}:function:)?[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]+)?$/,
      'expected the name or ARN of a Lambda function, with a qualifier or without',
    )
    .optional()
    .describe('Name or ARN of the ordinary Lambda function that already is this function in the cloud.'),
});
export type FunctionConfig = z.infer<typeof functionConfigSchema>;

/** One registered version of a function: all that an edge needs to run it. Immutable. */
export const functionManifestSchema = functionConfigSchema
  .omit({ version: true, cloudFunction: true })
  .extend({
    version: versionSchema,
    digest: digestSchema,
    /** Bytes of the package as stored. */
    size: z.int().nonnegative(),
    /** Bytes of its content. */
    unpackedSize: z.int().nonnegative(),
    /** Where `cloudRemoteExecution` invokes it; absent when the function runs on edges only. */
    cloud: z.strictObject({ functionArn: z.string(), qualifier: z.string() }).optional(),
  });
export type FunctionManifest = z.infer<typeof functionManifestSchema>;

/** What an edge can run, as the core states it when it asks. */
export const platformSchema = z.strictObject({
  node: versionSchema,
  architecture: z.string().max(16),
  os: z.string().max(16),
});
export type Platform = z.infer<typeof platformSchema>;

/** `name@version`, the key of a running version. */
export function functionKey(name: string, version: string): string {
  return `${name}@${version}`;
}

export function splitFunctionKey(key: string): { name: string; version: string } {
  const at = key.indexOf('@');
  return { name: key.slice(0, at), version: key.slice(at + 1) };
}

/** Throws PLATFORM_NOT_SUPPORTED when `platform` lacks what the function requires. */
export function requirePlatform(manifest: FunctionManifest, platform: Platform): void {
  const { node, architectures } = manifest.requires;
  if (node !== undefined && !satisfies(platform.node, node)) {
    throw new EdgeError(
      'PLATFORM_NOT_SUPPORTED',
      `${manifest.name} requires Node ${node}, this edge has ${platform.node}`,
      {
        field: 'requires.node',
        expected: node,
      },
    );
  }
  if (architectures !== undefined && !(architectures as string[]).includes(platform.architecture)) {
    throw new EdgeError(
      'PLATFORM_NOT_SUPPORTED',
      `${manifest.name} requires ${architectures.join(' or ')}, this edge is ${platform.architecture}`,
      { field: 'requires.architectures', expected: architectures.join(' or ') },
    );
  }
}
