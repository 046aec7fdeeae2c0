import { z } from 'zod';
import { tryParseJson } from '../../../../lib/json';
import { componentNameSchema } from '../../../../protocol/greengrass/recipe';
import { clientTokenSchema, tagsSchema } from '../input';

/** ComponentConfigurationString of the service model. */
const MAX_CONFIGURATION = 10_485_760;

const mergeSchema = z
  .string()
  .min(1)
  .max(MAX_CONFIGURATION)
  .refine(isJsonObject, { error: 'expected a JSON object as text' });

const resetSchema = z
  .string()
  .max(256)
  .refine((pointer) => pointer === '' || pointer.startsWith('/'), { error: 'expected a JSON pointer' });

const componentSchema = z.strictObject({
  componentVersion: z.string().min(1).max(64),
  configurationUpdate: z
    .strictObject({ merge: mergeSchema.optional(), reset: z.array(resetSchema).optional() })
    .optional(),
  runWith: z
    .strictObject({
      posixUser: z.string().min(1).optional(),
      windowsUser: z.string().min(1).optional(),
      systemResourceLimits: z
        .strictObject({ memory: z.number().min(0).optional(), cpus: z.number().min(0).optional() })
        .optional(),
    })
    .optional(),
});
export type ComponentSpecification = z.output<typeof componentSchema>;

const componentsSchema = z.record(componentNameSchema, componentSchema);

const policiesSchema = z.strictObject({
  failureHandlingPolicy: z.enum(['ROLLBACK', 'DO_NOTHING']).optional(),
  componentUpdatePolicy: z
    .strictObject({
      timeoutInSeconds: z.int().min(0).optional(),
      action: z.enum(['NOTIFY_COMPONENTS', 'SKIP_NOTIFY_COMPONENTS']).optional(),
    })
    .optional(),
  configurationValidationPolicy: z.strictObject({ timeoutInSeconds: z.int().min(0).optional() }).optional(),
});

export const createDeploymentSchema = z.strictObject({
  targetArn: z.string(),
  deploymentName: z.string().min(1).max(256).optional(),
  components: componentsSchema.default({}),
  deploymentPolicies: policiesSchema.default({}),
  /** Rollout, abort and time-out of the IoT job: kept and given back, without effect here. */
  iotJobConfiguration: z.record(z.string(), z.unknown()).optional(),
  tags: tagsSchema.default({}),
  clientToken: clientTokenSchema.optional(),
});
export type CreateDeploymentInput = z.output<typeof createDeploymentSchema>;

export const deploymentSchema = z.strictObject({
  deploymentId: z.string(),
  deploymentName: z.string(),
  targetArn: z.string(),
  /** `1` for the first of a target. */
  revisionId: z.string(),
  components: componentsSchema,
  deploymentPolicies: policiesSchema,
  iotJobConfiguration: z.record(z.string(), z.unknown()).optional(),
  tags: z.record(z.string(), z.string()),
  /** Milliseconds since the epoch. */
  createdAt: z.number(),
  status: z.enum(['ACTIVE', 'COMPLETED', 'CANCELED', 'FAILED', 'INACTIVE']),
});
export type StoredDeployment = z.output<typeof deploymentSchema>;

const EXECUTION_STATUSES = [
  'QUEUED',
  'IN_PROGRESS',
  'SUCCEEDED',
  'COMPLETED',
  'FAILED',
  'REJECTED',
  'TIMED_OUT',
  'CANCELED',
] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

/** What became of a deployment on one core. */
export const executionSchema = z.strictObject({
  coreThingName: z.string(),
  deploymentId: z.string(),
  targetArn: z.string(),
  status: z.enum(EXECUTION_STATUSES),
  reason: z.string().optional(),
  statusDetails: z
    .strictObject({ errorStack: z.array(z.string()), errorTypes: z.array(z.string()) })
    .optional(),
  createdAt: z.number(),
  modifiedAt: z.number(),
});
export type ExecutionRecord = z.output<typeof executionSchema>;

export function isFinal(status: ExecutionStatus): boolean {
  return status !== 'QUEUED' && status !== 'IN_PROGRESS';
}

function isJsonObject(text: string): boolean {
  const value = tryParseJson(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
