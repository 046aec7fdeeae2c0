import { z } from 'zod';
import { count, defineResource, tags } from '../../stack/resource';
import { policyDocumentSchema } from '../iam/cloudFormation';

/** Queues are sinks here; what concerns receiving is accepted and has nothing to act on. */
export const queue = defineResource({
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
  async create({ QueueName }, { services, generatedName }) {
    const name = QueueName ?? generatedName(80);
    const { arn, url } = services.queues.createQueue(name);
    return { ref: url, attributes: { Arn: arn, QueueName: name, QueueUrl: url } };
  },
  update: async (current) => current,
  replaces: (next, previous) => next.QueueName !== previous.QueueName,
  async delete(current, _properties, { services }) {
    services.queues.deleteQueue(current.ref);
  },
});

/** Kept for the record only: senders are checked by their roles. */
export const queuePolicy = defineResource({
  type: 'AWS::SQS::QueuePolicy',
  schema: z.strictObject({ Queues: z.array(z.string()), PolicyDocument: policyDocumentSchema }),
  async create(_properties, { generatedName }) {
    return { ref: generatedName(80), attributes: {} };
  },
  update: async (current) => current,
  delete: async () => undefined,
});
