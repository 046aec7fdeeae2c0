import { z } from 'zod';

/** The seven kinds of definitions of Greengrass V1, which differ in little but what they list. */
export interface Kind {
  /** Segment of paths and ARNs. */
  path: 'connectors' | 'cores' | 'devices' | 'functions' | 'loggers' | 'resources' | 'subscriptions';
  /** In the names of operations and parameters: `CreateFunctionDefinition`, `FunctionDefinitionId`. */
  name: string;
  /** The list in a version. */
  list: string;
  /** The group version's field for the ARN of a version of it. */
  groupField: `${string}DefinitionVersionArn`;
  /** As the service's messages call it. */
  noun: string;
  /** Whether the entries of one version come in pages. */
  paged: boolean;
  /** Content of a version. */
  content: z.ZodType<DefinitionContent>;
}

export interface Entry {
  Id: string;
  [field: string]: unknown;
}

export interface DefinitionContent {
  [list: string]: unknown;
}

const id = z.string().regex(/^[a-zA-Z0-9:_-]{1,128}$/, 'expected [a-zA-Z0-9:_-]{1,128}');
const text = z.string();
const thingArn = text.regex(/^arn:[^:]+:iot:[^:]+:\d{12}:thing\/[a-zA-Z0-9:_-]+$/, 'not the ARN of a thing');
const certificateArn = text.regex(
  /^arn:[^:]+:iot:[^:]+:\d{12}:cert\/[0-9a-f]{64}$/,
  'not the ARN of a certificate',
);
/** A version or an alias: `$LATEST` and an ARN without a qualifier are refused. */
const QUALIFIED_FUNCTION = /^arn:[^:]+:lambda:[^:]*:(\d{12})?:function:[a-zA-Z0-9_-]+:[a-zA-Z0-9_-]+$/;
const functionArn = text.regex(
  QUALIFIED_FUNCTION,
  'not the ARN of a version or an alias of a Lambda function',
);
const connectorArn = /^arn:[^:]+:greengrass:[^:]*:[^:]*:\/connectors\/.+$/;
const party = text.refine(
  (value) =>
    ['cloud', 'GGShadowService'].includes(value) ||
    thingArn.safeParse(value).success ||
    QUALIFIED_FUNCTION.test(value) ||
    connectorArn.test(value),
  'expected "cloud", "GGShadowService", or the ARN of a thing, a Lambda version or alias, or a connector',
);

/** As IoT Core takes it: topics and filters of at most 256 bytes and 7 slashes. */
const subject = text
  .min(1)
  .refine((value) => Buffer.byteLength(value) <= 256, 'expected at most 256 bytes')
  .refine((value) => value.split('/').length <= 8, 'expected at most 7 slashes');

const thing = z.strictObject({
  Id: id,
  ThingArn: thingArn,
  CertificateArn: certificateArn,
  SyncShadow: z.boolean().optional(),
});

const isolation = z.enum(['GreengrassContainer', 'NoContainer']).optional();
const runAs = z.strictObject({ Uid: z.int().optional(), Gid: z.int().optional() }).optional();
const permission = z.enum(['ro', 'rw']);

const functionEntry = z.strictObject({
  Id: id,
  FunctionArn: functionArn,
  FunctionConfiguration: z
    .strictObject({
      EncodingType: z.enum(['binary', 'json']).optional(),
      Environment: z
        .strictObject({
          AccessSysfs: z.boolean().optional(),
          Execution: z.strictObject({ IsolationMode: isolation, RunAs: runAs }).optional(),
          ResourceAccessPolicies: z
            .array(z.strictObject({ ResourceId: text, Permission: permission.optional() }))
            .max(20)
            .optional(),
          Variables: z.record(text, text).optional(),
        })
        .optional(),
      ExecArgs: text.optional(),
      Executable: text.optional(),
      /** KB. */
      MemorySize: z.int().positive().optional(),
      Pinned: z.boolean().optional(),
      /** Seconds. */
      Timeout: z.int().positive().optional(),
      FunctionRuntimeOverride: text.optional(),
    })
    .optional(),
});

const owner = z
  .strictObject({ AutoAddGroupOwner: z.boolean().optional(), GroupOwner: text.optional() })
  .optional();
const downloadOwner = z.strictObject({ GroupOwner: text, GroupPermission: permission }).optional();
const path = text.startsWith('/').optional();

const resourceData = z
  .strictObject({
    LocalDeviceResourceData: z
      .strictObject({
        SourcePath: text.startsWith('/dev', 'expected a path below /dev').optional(),
        GroupOwnerSetting: owner,
      })
      .optional(),
    LocalVolumeResourceData: z
      .strictObject({
        SourcePath: text.regex(/^\/(?!sys(\/|$))/, 'expected an absolute path outside of /sys').optional(),
        DestinationPath: path,
        GroupOwnerSetting: owner,
      })
      .optional(),
    S3MachineLearningModelResourceData: z
      .strictObject({ S3Uri: text.optional(), DestinationPath: path, OwnerSetting: downloadOwner })
      .optional(),
    SageMakerMachineLearningModelResourceData: z
      .strictObject({ SageMakerJobArn: text.optional(), DestinationPath: path, OwnerSetting: downloadOwner })
      .optional(),
    SecretsManagerSecretResourceData: z
      .strictObject({ ARN: text.optional(), AdditionalStagingLabelsToDownload: z.array(text).optional() })
      .optional(),
  })
  .refine((data) => Object.keys(data).length === 1, 'takes exactly one type of resource');

function listOf(name: string, entry: z.ZodType): z.ZodType<DefinitionContent> {
  return z.strictObject({ [name]: z.array(entry).optional() });
}

export const KINDS: readonly Kind[] = [
  {
    ...named('Connector', 'Connectors', true),
    path: 'connectors',
    noun: 'connectors',
    content: listOf(
      'Connectors',
      z.strictObject({
        Id: id,
        ConnectorArn: text.regex(connectorArn, 'not the ARN of a connector'),
        Parameters: z.record(text, text).optional(),
      }),
    ),
  },
  { ...named('Core', 'Cores', false), path: 'cores', noun: 'cores', content: listOf('Cores', thing) },
  {
    ...named('Device', 'Devices', true),
    path: 'devices',
    noun: 'devices',
    content: listOf('Devices', thing),
  },
  {
    ...named('Function', 'Functions', true),
    path: 'functions',
    noun: 'lambdas',
    content: z.strictObject({
      DefaultConfig: z
        .strictObject({ Execution: z.strictObject({ IsolationMode: isolation, RunAs: runAs }).optional() })
        .optional(),
      Functions: z.array(functionEntry).optional(),
    }),
  },
  {
    ...named('Logger', 'Loggers', false),
    path: 'loggers',
    noun: 'loggers',
    content: listOf(
      'Loggers',
      z.strictObject({
        Id: id,
        Component: z.enum(['GreengrassSystem', 'Lambda']),
        Level: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']),
        Type: z.enum(['FileSystem', 'AWSCloudWatch']),
        Space: z.int().positive().optional(),
      }),
    ),
  },
  {
    ...named('Resource', 'Resources', false),
    path: 'resources',
    noun: 'resources',
    content: listOf('Resources', z.strictObject({ Id: id, Name: id, ResourceDataContainer: resourceData })),
  },
  {
    ...named('Subscription', 'Subscriptions', true),
    path: 'subscriptions',
    noun: 'subscriptions',
    content: listOf(
      'Subscriptions',
      z.strictObject({ Id: id, Source: party, Subject: subject, Target: party }),
    ),
  },
];

function named(
  name: string,
  list: string,
  paged: boolean,
): Pick<Kind, 'name' | 'list' | 'groupField' | 'paged'> {
  return { name, list, groupField: `${name}DefinitionVersionArn`, paged };
}
