import { z } from 'zod';
import { count, namedResource, tags } from '../../stack/resource';

export const logsResources = [
  /** Functions log to the log of the local cloud; a group is only a name that policies can mention. */
  namedResource({
    type: 'AWS::Logs::LogGroup',
    schema: z.strictObject({
      LogGroupName: z.string().optional(),
      RetentionInDays: count.optional(),
      LogGroupClass: z.literal('STANDARD').optional(),
      Tags: tags.optional(),
    }),
    attributes: ['Arn'],
    name: 'LogGroupName',
    maxLength: 512,
    put: (name, _properties, { cloud: { region, account } }) => ({
      Arn: `arn:aws:logs:${region}:${account}:log-group:${name}:*`,
    }),
  }),
];
