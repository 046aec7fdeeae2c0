import { z } from 'zod';
import { parsePattern } from './pattern';
import { expressionSchema, scheduledEvent, stateSchema, timedResource } from '../scheduler/timed';

const patternSchema = z.record(z.string(), z.unknown()).check((check) => {
  try {
    parsePattern(check.value);
  } catch (error) {
    check.issues.push({ code: 'custom', input: check.value, message: (error as Error).message });
  }
});

const ruleSchema = z
  .strictObject({
    Name: z.string().optional(),
    Description: z.string().optional(),
    EventBusName: z.literal('default').optional(),
    ScheduleExpression: expressionSchema.optional(),
    EventPattern: patternSchema.optional(),
    State: stateSchema,
    Targets: z
      .array(z.strictObject({ Arn: z.string(), Id: z.string(), Input: z.string().optional() }))
      .min(1)
      .max(5),
  })
  .refine(({ ScheduleExpression, EventPattern }) => (ScheduleExpression ?? EventPattern) !== undefined, {
    error: 'expected ScheduleExpression or EventPattern',
  });

/** EventBridge rule with a schedule, an event pattern, or both; the functions' resource policies decide. */
const rule = timedResource({
  type: 'AWS::Events::Rule',
  schema: ruleSchema,
  arnOf: (name, { region, account }) => `arn:aws:events:${region}:${account}:rule/${name}`,
  start({ ScheduleExpression: expression, EventPattern: pattern, Targets }, arn, context) {
    const { scheduler, eventBridge } = context.services;
    const targets = Targets.map(({ Arn, Input }) => ({
      arn: Arn,
      ...(Input !== undefined && { input: Input }),
    }));
    if (expression !== undefined) {
      const fire = (at: number): Promise<void> =>
        eventBridge.invoke({ arn, targets }, scheduledEvent('aws.events', arn, at, context.cloud));
      scheduler.put({ arn, expression, fire });
    }
    if (pattern !== undefined) eventBridge.putRule({ arn, pattern, targets });
  },
  stop(arn, { services }) {
    services.scheduler.remove(arn);
    services.eventBridge.removeRule(arn);
  },
});

export const eventBridgeResources = [rule];
