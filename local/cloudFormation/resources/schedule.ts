import { randomUUID } from 'node:crypto';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { z } from 'zod';
import { parseSchedule } from '../../scheduler/expression';
import { defineResource, type PhysicalResource, type ResourceContext } from '../resource';

const expressionSchema = z.string().check((check) => {
  try {
    parseSchedule(check.value);
  } catch (error) {
    check.issues.push({ code: 'custom', input: check.value, message: (error as Error).message });
  }
});
const stateSchema = z.enum(['ENABLED', 'DISABLED']).default('ENABLED');

const ruleSchema = z.strictObject({
  Name: z.string().optional(),
  Description: z.string().optional(),
  ScheduleExpression: expressionSchema,
  State: stateSchema,
  Targets: z
    .array(z.strictObject({ Arn: z.string(), Id: z.string(), Input: z.string().optional() }))
    .min(1)
    .max(5),
});

function startRule(
  rule: z.output<typeof ruleSchema>,
  { attributes: { Arn: arn = '' } }: PhysicalResource,
  { services, cloud }: ResourceContext,
): void {
  services.scheduler.remove(arn);
  if (rule.State === 'DISABLED') return;
  services.scheduler.put({
    arn,
    expression: rule.ScheduleExpression,
    async fire(at) {
      const event = scheduledEvent('aws.events', arn, at, cloud);
      const caller = { service: 'events.amazonaws.com', sourceArn: arn };
      for (const { Arn, Input } of rule.Targets) {
        const payload: unknown = Input === undefined ? event : JSON.parse(Input);
        await services.lambda.invokeAsService(Arn, caller, payload, 'async');
      }
    },
  });
}

/** EventBridge rule with a schedule and Lambda targets; the functions' resource policies decide. */
export const eventsRule = defineResource({
  type: 'AWS::Events::Rule',
  schema: ruleSchema,
  attributes: ['Arn'],
  async create(properties, context) {
    const name = properties.Name ?? context.generatedName(64);
    const { region, account } = context.cloud;
    const physical = {
      ref: name,
      attributes: { Arn: `arn:aws:events:${region}:${account}:rule/${name}` },
    };
    startRule(properties, physical, context);
    return physical;
  },
  async update(current, next, _previous, context) {
    startRule(next, current, context);
    return current;
  },
  replaces: (next, previous) => next.Name !== previous.Name,
  async delete(current, _properties, { services }) {
    services.scheduler.remove(current.attributes['Arn'] ?? '');
  },
});

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

function startSchedule(
  schedule: z.output<typeof scheduleSchema>,
  { attributes: { Arn: arn = '' } }: PhysicalResource,
  { services, cloud }: ResourceContext,
): void {
  services.scheduler.remove(arn);
  if (schedule.State === 'DISABLED') return;
  const { Arn, RoleArn, Input } = schedule.Target;
  services.scheduler.put({
    arn,
    expression: schedule.ScheduleExpression,
    async fire(at) {
      const session = randomUUID();
      const { accessKeyId, secretAccessKey, sessionToken } = cloud.iam.assumeRole(
        RoleArn,
        session,
        'scheduler.amazonaws.com',
      );
      const client = new LambdaClient({
        region: cloud.region,
        endpoint: services.lambda.url,
        credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
      });
      const Payload = Input ?? JSON.stringify(scheduledEvent('aws.scheduler', arn, at, cloud));
      try {
        await client.send(new InvokeCommand({ FunctionName: Arn, InvocationType: 'Event', Payload }));
      } finally {
        client.destroy();
      }
    },
  });
}

/** EventBridge Scheduler; it invokes with the schedule's own role. */
export const schedule = defineResource({
  type: 'AWS::Scheduler::Schedule',
  schema: scheduleSchema,
  attributes: ['Arn'],
  async create(properties, context) {
    const name = properties.Name ?? context.generatedName(64);
    const { region, account } = context.cloud;
    const physical = {
      ref: name,
      attributes: { Arn: `arn:aws:scheduler:${region}:${account}:schedule/default/${name}` },
    };
    startSchedule(properties, physical, context);
    return physical;
  },
  async update(current, next, _previous, context) {
    startSchedule(next, current, context);
    return current;
  },
  replaces: (next, previous) => next.Name !== previous.Name,
  async delete(current, _properties, { services }) {
    services.scheduler.remove(current.attributes['Arn'] ?? '');
  },
});

function scheduledEvent(source: string, arn: string, at: number, cloud: ResourceContext['cloud']) {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source,
    account: cloud.account,
    time: new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region: cloud.region,
    resources: [arn],
    detail: {},
  };
}
