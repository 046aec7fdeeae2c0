import { z } from 'zod';
import type { NotificationRule } from './types';
import { defineResource, type ResourceContext } from '../../stack/resource';
import { unlessAbsent } from '../../stack/absent';

const ABSENT = 'ResourceNotFoundException';

const ruleSchema = z.union([
  z.strictObject({ Prefix: z.string() }).transform(({ Prefix }) => ({ prefix: Prefix })),
  z.strictObject({ Suffix: z.string() }).transform(({ Suffix }) => ({ suffix: Suffix })),
]);

const schema = z.strictObject({
  ServiceToken: z.string(),
  FunctionName: z.string(),
  BucketName: z.string(),
  BucketConfigs: z.array(
    z.strictObject({ Event: z.string(), Rules: z.array(ruleSchema).max(2).default([]) }),
  ),
});
type ExistingBucket = z.output<typeof schema>;

/**
 * The framework's custom resource for events of a bucket that the stack does not make
 * (`s3: { existing: true }`): done here, without the function that does it on AWS. It lets S3 invoke the
 * function and adds its notifications to those of the bucket. A bucket that is missing here is made:
 * there is nobody else who would.
 */
export const existingBucket = defineResource({
  type: 'Custom::S3',
  schema,
  async create(properties, context) {
    const { services, cloud, generatedName } = context;
    const { BucketName, FunctionName } = properties;
    cloud.log.info({ bucket: BucketName }, 'a bucket that exists already on AWS; made here if need be');
    await services.s3.createBucket(BucketName);
    const StatementId = generatedName(100);
    await unlessAbsent(ABSENT, () => services.lambda.removePermission(FunctionName, StatementId));
    services.lambda.addPermission(FunctionName, {
      StatementId,
      Action: 'lambda:InvokeFunction',
      Principal: 's3.amazonaws.com',
      SourceArn: services.s3.bucketArn(BucketName),
    });
    services.s3.setNotifications(BucketName, notifications(properties, context), ownerOf(context));
    return { ref: StatementId, attributes: {} };
  },
  async update(current, next, _previous, context) {
    context.services.s3.setNotifications(next.BucketName, notifications(next, context), ownerOf(context));
    return current;
  },
  replaces: (next, previous) =>
    next.FunctionName !== previous.FunctionName || next.BucketName !== previous.BucketName,
  /** The bucket stays. */
  async delete(current, { BucketName, FunctionName }, context) {
    const { s3, lambda } = context.services;
    await unlessAbsent(ABSENT, () => lambda.removePermission(FunctionName, current.ref));
    await unlessAbsent('NoSuchBucket', () => s3.setNotifications(BucketName, [], ownerOf(context)));
  },
});

/** A replacement sets its own before those of the resource that it replaces are taken away. */
function ownerOf({ generatedName }: ResourceContext): string {
  return generatedName(255);
}

function notifications(
  { BucketName, FunctionName, BucketConfigs }: ExistingBucket,
  { services }: ResourceContext,
): NotificationRule[] {
  const arn = services.lambda.functionArn(FunctionName);
  const caller = { service: 's3.amazonaws.com', sourceArn: services.s3.bucketArn(BucketName) };
  return BucketConfigs.map(({ Event, Rules }) => ({
    events: [Event],
    ...Object.assign({}, ...Rules),
    arn,
    target: async (event) => {
      await services.lambda.invokeAsService(arn, caller, event, 'async');
    },
  }));
}
