import { z } from 'zod';
import { parsePattern } from './pattern';
import type { ResourceContext } from '../../stack/resource';
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
type Rule = z.output<typeof ruleSchema>;

/** EventBridge rule with a schedule, an event pattern, or both; the functions' resource policies decide. */
export const eventsRule = timedResource({
  type: 'AWS::Events::Rule',
  schema: ruleSchema,
  arnOf: (name, { region, account }) => `arn:aws:events:${region}:${account}:rule/${name}`,
  start(rule, arn, context) {
    const { ScheduleExpression: expression, EventPattern: pattern } = rule;
    const { scheduler, eventBridge } = context.services;
    if (expression !== undefined) {
      scheduler.put({ arn, expression, fire: (at) => invokeTargets(rule, arn, at, context) });
    }
    if (pattern !== undefined) {
      const targets = rule.Targets.map(({ Arn, Input }) => ({
        arn: Arn,
        ...(Input !== undefined && { input: Input }),
      }));
      eventBridge.putRule({ arn, pattern, targets });
    }
  },
  stop(arn, { services }) {
    services.scheduler.remove(arn);
    services.eventBridge.removeRule(arn);
  },
});

async function invokeTargets(
  { Targets }: Rule,
  arn: string,
  at: number,
  { services, cloud }: ResourceContext,
): Promise<void> {
  const event = scheduledEvent('aws.events', arn, at, cloud);
  const caller = { service: 'events.amazonaws.com', sourceArn: arn };
  for (const { Arn, Input } of Targets) {
    const payload: unknown = Input === undefined ? event : JSON.parse(Input);
    await services.lambda.invokeAsService(Arn, caller, payload, 'async');
  }
}
