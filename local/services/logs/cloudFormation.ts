import { z } from 'zod';
import { count, defineResource, tags } from '../../stack/resource';

/** Functions log to the log of the local cloud; a group is only a name that policies can mention. */
export const logGroup = defineResource({
  type: 'AWS::Logs::LogGroup',
  schema: z.strictObject({
    LogGroupName: z.string().optional(),
    RetentionInDays: count.optional(),
    LogGroupClass: z.literal('STANDARD').optional(),
    Tags: tags.optional(),
  }),
  attributes: ['Arn'],
  async create({ LogGroupName }, { cloud, generatedName }) {
    const name = LogGroupName ?? generatedName(512);
    const arn = `arn:aws:logs:${cloud.region}:${cloud.account}:log-group:${name}:*`;
    return { ref: name, attributes: { Arn: arn } };
  },
  update: async (current) => current,
  replaces: (next, previous) => next.LogGroupName !== previous.LogGroupName,
  delete: async () => undefined,
});
