import { z } from 'zod';
import { count, defineResource, namedResource, tags } from '../../stack/resource';
import { policyDocumentSchema } from '../iam/cloudFormation';
import { queueUrl } from '.';

export const sqsResources = [
  /** Queues are sinks here; what concerns receiving is accepted and has nothing to act on. */
  namedResource({
    type: 'AWS::SQS::Queue',
    schema: z.strictObject({
      QueueName: z.string().optional(),
      MessageRetentionPeriod: count.optional(),
      VisibilityTimeout: count.optional(),
      ReceiveMessageWaitTimeSeconds: count.optional(),
      SqsManagedSseEnabled: z.unknown().optional(),
      Tags: tags.optional(),
    }),
    attributes: ['Arn', 'QueueName', 'QueueUrl'],
    name: 'QueueName',
    maxLength: 80,
    refOf: queueUrl,
    put(name, _properties, { services }) {
      const { arn, url } = services.queues.createQueue(name);
      return { Arn: arn, QueueName: name, QueueUrl: url };
    },
    delete: ({ ref }, _properties, { services }) => services.queues.deleteQueue(ref),
  }),
  /** Kept for the record only: senders are checked by their roles. */
  defineResource({
    type: 'AWS::SQS::QueuePolicy',
    schema: z.strictObject({ Queues: z.array(z.string()), PolicyDocument: policyDocumentSchema }),
    create: async (_properties, { generatedName }) => ({ ref: generatedName(80), attributes: {} }),
    update: async (current) => current,
  }),
];
