import { randomUUID } from 'node:crypto';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { z } from 'zod';
import type { ResourceContext } from '../../stack/resource';
import { expressionSchema, scheduledEvent, stateSchema, timedResource } from './timed';

const scheduleSchema = z.strictObject({
  Name: z.string().optional(),
  GroupName: z.literal('default').optional(),
  Description: z.string().optional(),
  ScheduleExpression: expressionSchema,
  ScheduleExpressionTimezone: z.literal('UTC').optional(),
  State: stateSchema,
  FlexibleTimeWindow: z.strictObject({ Mode: z.literal('OFF') }),
  Target: z.strictObject({ Arn: z.string(), RoleArn: z.string(), Input: z.string().optional() }),
});
type Target = z.output<typeof scheduleSchema>['Target'];

/** EventBridge Scheduler; it invokes with the schedule's own role. */
const schedule = timedResource({
  type: 'AWS::Scheduler::Schedule',
  schema: scheduleSchema,
  arnOf: (name, { region, account }) => `arn:aws:scheduler:${region}:${account}:schedule/default/${name}`,
  start({ Target, ScheduleExpression }, arn, context) {
    const fire = (at: number): Promise<void> => invokeAsRole(Target, arn, at, context);
    context.services.scheduler.put({ arn, expression: ScheduleExpression, fire });
  },
  stop: (arn, { services }) => services.scheduler.remove(arn),
});

async function invokeAsRole(
  { Arn, RoleArn, Input }: Target,
  scheduleArn: string,
  at: number,
  { services, cloud }: ResourceContext,
): Promise<void> {
  const { accessKeyId, secretAccessKey, sessionToken } = cloud.iam.assumeRole(
    RoleArn,
    randomUUID(),
    'scheduler.amazonaws.com',
  );
  const client = new LambdaClient({
    region: cloud.region,
    endpoint: services.lambda.url,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
  });
  const Payload = Input ?? JSON.stringify(scheduledEvent('aws.scheduler', scheduleArn, at, cloud));
  try {
    await client.send(new InvokeCommand({ FunctionName: Arn, InvocationType: 'Event', Payload }));
  } finally {
    client.destroy();
  }
}

export const schedulerResources = [schedule];
