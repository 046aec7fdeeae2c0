import { z } from 'zod';
import type { NotificationRule, S3 } from './types';
import { defineResource, flag, tags, type ResourceContext } from '../../stack/resource';
import { unlessAbsent } from '../../stack/absent';
import { policyDocument, policyDocumentSchema } from '../iam/cloudFormation';

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
      BlockPublicAcls: flag.optional(),
      BlockPublicPolicy: flag.optional(),
      IgnorePublicAcls: flag.optional(),
      RestrictPublicBuckets: flag.optional(),
    })
    .optional(),
  OwnershipControls: z.unknown().optional(),
  LifecycleConfiguration: z
    .strictObject({
      Rules: z.array(z.looseObject({ Status: z.enum(['Enabled', 'Disabled']) })),
    })
    .optional(),
  Tags: tags.optional(),
});
type BucketTemplate = z.output<typeof bucketSchema>;

/** Accepted, because a template for AWS has them, but nothing here acts on them. */
const WITHOUT_EFFECT = ['LifecycleConfiguration'] as const;

function configure(name: string, bucket: BucketTemplate, { services, cloud }: ResourceContext): void {
  const ignored = WITHOUT_EFFECT.filter((property) => bucket[property] !== undefined);
  if (ignored.length > 0) cloud.log.debug({ bucket: name, ignored }, 'bucket properties without effect here');
  services.s3.setVersioning(name, bucket.VersioningConfiguration?.Status === 'Enabled');
  const configurations = bucket.NotificationConfiguration?.LambdaConfigurations ?? [];
  services.s3.setNotifications(
    name,
    configurations.map((configuration): NotificationRule => {
      const { Event, Function: arn, Filter } = configuration;
      const rules = Filter?.S3Key.Rules ?? [];
      const filter = Object.fromEntries(rules.map(({ Name, Value }) => [Name, Value]));
      const caller = { service: 's3.amazonaws.com', sourceArn: services.s3.bucketArn(name) };
      return {
        events: [Event],
        ...filter,
        arn,
        target: async (event) => {
          await services.lambda.invokeAsService(arn, caller, event, 'async');
        },
      };
    }),
  );
}

function bucketAttributes(name: string, s3: S3, region: string): Record<string, string> {
  return {
    Arn: s3.bucketArn(name),
    DomainName: `${name}.s3.amazonaws.com`,
    RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
  };
}

export const bucket = defineResource({
  type: 'AWS::S3::Bucket',
  schema: bucketSchema,
  attributes: ['Arn', 'DomainName', 'RegionalDomainName'],
  async create(properties, context) {
    const { services, cloud, generatedName } = context;
    const name = properties.BucketName ?? generatedName(63).toLowerCase();
    await services.s3.createBucket(name);
    configure(name, properties, context);
    return { ref: name, attributes: bucketAttributes(name, services.s3, cloud.region) };
  },
  async update(current, next, _previous, context) {
    configure(current.ref, next, context);
    return current;
  },
  replaces: (next, previous) => next.BucketName !== previous.BucketName,
  async delete(current, _properties, { services }) {
    await unlessAbsent('NoSuchBucket', () => services.s3.deleteBucket(current.ref));
  },
});

export const bucketPolicy = defineResource({
  type: 'AWS::S3::BucketPolicy',
  schema: z.strictObject({ Bucket: z.string(), PolicyDocument: policyDocumentSchema }),
  async create({ Bucket, PolicyDocument }, { services }) {
    services.s3.setBucketPolicy(Bucket, policyDocument(PolicyDocument));
    return { ref: Bucket, attributes: {} };
  },
  async update(current, { Bucket, PolicyDocument }, _previous, { services }) {
    services.s3.setBucketPolicy(Bucket, policyDocument(PolicyDocument));
    return current;
  },
  replaces: (next, previous) => next.Bucket !== previous.Bucket,
  async delete(current, _properties, { services }) {
    await unlessAbsent('NoSuchBucket', () => services.s3.setBucketPolicy(current.ref, undefined));
  },
});
