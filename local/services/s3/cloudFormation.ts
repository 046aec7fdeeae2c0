import { z } from 'zod';
import type { CloudServices } from '..';
import {
  defineResource,
  booleanOrText,
  namedResource,
  tags,
  unlessAbsent,
  type ResourceContext,
} from '../../stack/resource';
import { OUTSIDE } from '../../stack/outside';
import { policyDocumentSchema } from '../iam/cloudFormation';
import type { NotificationRule } from './model';

const lambdaConfigurationSchema = z.strictObject({
  Event: z.string(),
  Function: z.string(),
  Filter: z
    .strictObject({
      S3Key: z.strictObject({
        Rules: z.array(
          z.strictObject({
            Name: z
              .string()
              .toLowerCase()
              .pipe(z.enum(['prefix', 'suffix'])),
            Value: z.string(),
          }),
        ),
      }),
    })
    .optional(),
});

const bucketSchema = z.strictObject({
  BucketName: z.string().optional(),
  NotificationConfiguration: z
    .strictObject({ LambdaConfigurations: z.array(lambdaConfigurationSchema).default([]) })
    .optional(),
  BucketEncryption: z.unknown().optional(),
  VersioningConfiguration: z.strictObject({ Status: z.enum(['Enabled', 'Suspended']) }).optional(),
  PublicAccessBlockConfiguration: z
    .strictObject({
      BlockPublicAcls: booleanOrText.optional(),
      BlockPublicPolicy: booleanOrText.optional(),
      IgnorePublicAcls: booleanOrText.optional(),
      RestrictPublicBuckets: booleanOrText.optional(),
    })
    .optional(),
  OwnershipControls: z.unknown().optional(),
  /** A template for AWS has it; nothing here acts on it. */
  LifecycleConfiguration: z
    .strictObject({
      Rules: z.array(z.looseObject({ Status: z.enum(['Enabled', 'Disabled']) })),
    })
    .optional(),
  Tags: tags.optional(),
});

/** Tells a function, by its ARN, of events of a bucket; the function's resource policy decides. */
function notificationRule(
  { lambda, s3 }: CloudServices,
  bucket: string,
  rule: Omit<NotificationRule, 'target'>,
): NotificationRule {
  const caller = { service: 's3.amazonaws.com', sourceArn: s3.bucketArn(bucket) };
  return {
    ...rule,
    target: async (event) => {
      await lambda.invokeAsService(rule.arn, caller, event, 'async');
    },
  };
}

const bucket = namedResource({
  type: 'AWS::S3::Bucket',
  schema: bucketSchema,
  attributes: ['Arn', 'DomainName', 'RegionalDomainName'],
  name: 'BucketName',
  maxLength: 63,
  adapt: (name) => name.toLowerCase(),
  async put(name, properties, { services, cloud }) {
    const { s3 } = services;
    await s3.createBucket(name);
    if (properties.LifecycleConfiguration !== undefined) {
      cloud.log.debug(
        { bucket: name, ignored: ['LifecycleConfiguration'] },
        'bucket properties without effect here',
      );
    }
    s3.setVersioning(name, properties.VersioningConfiguration?.Status === 'Enabled');
    const configurations = properties.NotificationConfiguration?.LambdaConfigurations ?? [];
    s3.setNotifications(
      name,
      configurations.map(({ Event, Function: arn, Filter }) => {
        const filter = Object.fromEntries(
          (Filter?.S3Key.Rules ?? []).map(({ Name, Value }) => [Name, Value]),
        );
        return notificationRule(services, name, { events: [Event], ...filter, arn });
      }),
    );
    return {
      Arn: s3.bucketArn(name),
      DomainName: `${name}.s3.amazonaws.com`,
      RegionalDomainName: `${name}.s3.${cloud.region}.amazonaws.com`,
    };
  },
  absent: 'NoSuchBucket',
  delete: ({ ref }, _properties, { services }) => services.s3.deleteBucket(ref),
});

const bucketPolicy = defineResource({
  type: 'AWS::S3::BucketPolicy',
  schema: z.strictObject({ Bucket: z.string(), PolicyDocument: policyDocumentSchema }),
  async create({ Bucket, PolicyDocument }, { services }) {
    services.s3.setBucketPolicy(Bucket, PolicyDocument);
    return { ref: Bucket, attributes: {} };
  },
  async update(current, { Bucket, PolicyDocument }, _previous, { services }) {
    services.s3.setBucketPolicy(Bucket, PolicyDocument);
    return current;
  },
  replaces: ['Bucket'],
  absent: 'NoSuchBucket',
  delete: ({ ref }, _properties, { services }) => services.s3.setBucketPolicy(ref, undefined),
});

const existingSchema = z.strictObject({
  ServiceToken: z.string(),
  FunctionName: z.string(),
  BucketName: z.string(),
  BucketConfigs: z.array(
    z.strictObject({
      Event: z.string(),
      Rules: z
        .array(
          z.union([
            z.strictObject({ Prefix: z.string() }).transform(({ Prefix }) => ({ prefix: Prefix })),
            z.strictObject({ Suffix: z.string() }).transform(({ Suffix }) => ({ suffix: Suffix })),
          ]),
        )
        .max(2)
        .default([]),
    }),
  ),
});

function notifyOfExisting(
  { BucketName, FunctionName, BucketConfigs }: z.output<typeof existingSchema>,
  context: ResourceContext,
): void {
  const { services } = context;
  const arn = services.lambda.functionArn(FunctionName);
  const rules = BucketConfigs.map(({ Event, Rules }) =>
    notificationRule(services, BucketName, {
      ...(Object.assign({}, ...Rules) as Pick<NotificationRule, 'prefix' | 'suffix'>),
      events: [Event],
      arn,
    }),
  );
  services.s3.setNotifications(BucketName, rules, ownerOf(context));
}

/** A replacement sets its own before those of the resource that it replaces are taken away. */
function ownerOf({ generatedName }: ResourceContext): string {
  return generatedName(255);
}

/**
 * The framework's custom resource for events of a bucket that the stack does not make
 * (`s3: { existing: true }`): done here, without the function that does it on AWS. It lets S3 invoke the
 * function and adds its notifications to those of the bucket. A bucket that is missing here is made:
 * there is nobody else who would.
 */
const existingBucket = defineResource({
  type: 'Custom::S3',
  schema: existingSchema,
  async create(properties, context) {
    const { services, cloud, generatedName } = context;
    const { BucketName, FunctionName } = properties;
    cloud.log.info({ bucket: BucketName }, 'a bucket that exists already on AWS; made here if need be');
    await services.s3.createBucket(BucketName);
    const StatementId = generatedName(100);
    await removePermission(context, FunctionName, StatementId);
    services.lambda.addPermission(FunctionName, {
      StatementId,
      Action: 'lambda:InvokeFunction',
      Principal: 's3.amazonaws.com',
      SourceArn: services.s3.bucketArn(BucketName),
    });
    notifyOfExisting(properties, context);
    return { ref: StatementId, attributes: {} };
  },
  async update(current, next, _previous, context) {
    notifyOfExisting(next, context);
    return current;
  },
  replaces: ['FunctionName', 'BucketName'],
  absent: 'NoSuchBucket',
  /** The bucket stays. */
  async delete(current, { BucketName, FunctionName }, context) {
    await removePermission(context, FunctionName, current.ref);
    context.services.s3.setNotifications(BucketName, [], ownerOf(context));
  },
});

function removePermission({ services }: ResourceContext, functionName: string, id: string): Promise<void> {
  return unlessAbsent('ResourceNotFoundException', () => services.lambda.removePermission(functionName, id));
}

/** A bucket that somebody else has made, by its name. It stays with what was put there. */
const outsideBucket = defineResource({
  type: OUTSIDE.bucket,
  schema: z.strictObject({ Name: z.string() }),
  async create({ Name }, { services }) {
    await services.s3.createBucket(Name);
    return { ref: Name, attributes: {} };
  },
});

export const s3Resources = [bucket, bucketPolicy, existingBucket, outsideBucket];
