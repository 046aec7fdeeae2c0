import { z } from 'zod';
import { AwsError } from '../../base/context';

/** What Lambda's API and CloudFormation may say of a function; anything else is refused by name. */
const RUNTIMES = ['nodejs22.x', 'nodejs24.x'] as const;

const codeSchema = z.strictObject({
  /** The package itself; base64 on the wire. */
  ZipFile: z
    .union([z.instanceof(Buffer), z.base64().transform((text) => Buffer.from(text, 'base64'))])
    .optional(),
  S3Bucket: z.string().optional(),
  S3Key: z.string().optional(),
});
export type CodeProps = z.output<typeof stackCodeSchema>;

const configuration = {
  Role: z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/, 'expected the ARN of a role'),
  Handler: z
    .string()
    .regex(/^[^\s]+\.[A-Za-z_$][\w$]*$/, 'expected "<module path>.<export>"')
    .max(128),
  Runtime: z.enum(RUNTIMES),
  Description: z.string().max(256),
  /** Seconds. */
  Timeout: z.int().min(1).max(900),
  /** MiB. */
  MemorySize: z.int().min(128).max(10_240),
  Environment: z.strictObject({
    Variables: z
      .record(z.string().regex(/^[a-zA-Z]\w+$/, 'expected a variable name'), z.string())
      .default({}),
  }),
  /** All functions log to the log of the local cloud; the group is remembered. */
  LoggingConfig: z.looseObject({ LogGroup: z.string().optional() }),
};

/** Accepted because they change nothing that a function could notice here. */
const withoutEffect = {
  Architectures: z
    .array(z.enum(['x86_64', 'arm64']))
    .length(1)
    .optional(),
  EphemeralStorage: z.unknown().optional(),
  TracingConfig: z.unknown().optional(),
  SnapStart: z.strictObject({ ApplyOn: z.literal('None') }).optional(),
  Layers: z.array(z.never()).optional(),
};

export const functionPropsSchema = z.strictObject({
  FunctionName: z.string().regex(/^[a-zA-Z0-9-_]{1,64}$/),
  Code: codeSchema,
  ...configuration,
  Description: configuration.Description.default(''),
  Timeout: configuration.Timeout.default(3),
  MemorySize: configuration.MemorySize.default(128),
  Environment: configuration.Environment.default({ Variables: {} }),
  LoggingConfig: configuration.LoggingConfig.optional(),
  ...withoutEffect,
  PackageType: z.literal('Zip').optional(),
  Tags: z.unknown().optional(),
  Publish: z.boolean().default(false),
  /** Most instances at once; CloudFormation only. */
  ReservedConcurrentExecutions: z.int().min(0).optional(),
});

/** A stack's function may be one that only AWS can run: of another runtime, older ones too, or an image. */
const anyProgram = {
  Runtime: z.string().regex(/^[a-z][a-z0-9.]*$/, 'expected the name of a runtime'),
  Handler: z.string().max(128),
};
export const stackCodeSchema = codeSchema.extend({ ImageUri: z.string().optional() });
export const stackFunctionSchema = functionPropsSchema.extend({
  Runtime: anyProgram.Runtime.or(z.literal('')).default(''),
  Handler: anyProgram.Handler.default(''),
  Code: stackCodeSchema,
  PackageType: z.enum(['Zip', 'Image']).optional(),
});
export type FunctionProps = z.input<typeof stackFunctionSchema>;
export type ParsedFunctionProps = z.output<typeof stackFunctionSchema>;

export const configurationUpdateSchema = z.strictObject({
  ...z.object(configuration).partial().shape,
  ...withoutEffect,
  ReservedConcurrentExecutions: z.int().min(0).optional(),
  RevisionId: z.string().optional(),
});
export const stackUpdateSchema = configurationUpdateSchema.extend(z.object(anyProgram).partial().shape);
export type ConfigurationUpdate = z.output<typeof stackUpdateSchema>;

export const codeUpdateSchema = z.strictObject({
  ...codeSchema.shape,
  Architectures: withoutEffect.Architectures,
  Publish: z.boolean().default(false),
  DryRun: z.boolean().default(false),
  RevisionId: z.string().optional(),
});

export const aliasSchema = z.strictObject({
  Name: z.string().regex(/^(?!\d+$)[a-zA-Z0-9-_]{1,128}$/),
  FunctionVersion: z.string().regex(/^(\$LATEST|\d+)$/),
  Description: z.string().max(256).default(''),
});
export const aliasUpdateSchema = z.strictObject({
  FunctionVersion: z
    .string()
    .regex(/^(\$LATEST|\d+)$/)
    .optional(),
  Description: z.string().max(256).optional(),
  RevisionId: z.string().optional(),
});

export const publishSchema = z.strictObject({
  Description: z.string().max(256).optional(),
  CodeSha256: z.string().optional(),
  RevisionId: z.string().optional(),
});

export const permissionSchema = z.strictObject({
  StatementId: z.string().regex(/^[a-zA-Z0-9-_]{1,100}$/),
  Action: z.string().regex(/^(lambda:[*]|lambda:[a-zA-Z]+|[*])$/),
  Principal: z.string().min(1),
  SourceArn: z.string().optional(),
  SourceAccount: z
    .string()
    .regex(/^\d{12}$/)
    .optional(),
});

const destinationSchema = z.strictObject({
  Destination: z
    .string()
    .regex(/^$|^arn:aws[a-z-]*:[^:]+:/)
    .optional(),
});

export const eventInvokeConfigSchema = z.strictObject({
  Qualifier: z.string().optional(),
  MaximumRetryAttempts: z.int().min(0).max(2).default(2),
  /** Seconds. */
  MaximumEventAgeInSeconds: z.int().min(60).max(21_600).default(21_600),
  DestinationConfig: z
    .strictObject({
      OnFailure: destinationSchema.optional(),
      OnSuccess: z.strictObject({ Destination: z.literal('').optional() }).optional(),
    })
    .default({}),
});
export type EventInvokeConfig = z.input<typeof eventInvokeConfigSchema>;
export type ParsedEventInvokeConfig = z.output<typeof eventInvokeConfigSchema>;

/** Throws AwsError InvalidParameterValueException that names the field and what was expected there. */
export function parseProps<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue?.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => [...issue.path, key].map(String).join('.')).join(', ');
    throw new AwsError('InvalidParameterValueException', `not supported by the local cloud: ${names}`);
  }
  const field = issue?.path.map(String).join('.') || 'request';
  throw new AwsError(
    'InvalidParameterValueException',
    `Value at '${field}' failed to satisfy constraint: ${issue?.message}`,
  );
}
