import { z } from 'zod';
import { eventOf } from '../eventBridge';
import { parseSchedule } from './expression';
import type { CloudContext } from '../../base/context';
import { namedResource, type ResourceContext, type ResourceProvider } from '../../stack/resource';

export const expressionSchema = z.string().check((check) => {
  try {
    parseSchedule(check.value);
  } catch (error) {
    check.issues.push({ code: 'custom', input: check.value, message: (error as Error).message });
  }
});

export const stateSchema = z.enum(['ENABLED', 'DISABLED']).default('ENABLED');

type TimedSchema = z.ZodType<{ Name?: string | undefined; State: 'ENABLED' | 'DISABLED' }>;

interface TimedResource<S extends TimedSchema> {
  type: string;
  schema: S;
  arnOf: (name: string, cloud: CloudContext) => string;
  /** Called for what is enabled; the timer that ran under this ARN was stopped before. */
  start: (properties: z.output<S>, arn: string, context: ResourceContext) => void;
  stop: (arn: string, context: ResourceContext) => void;
}

/** A rule or schedule: something with a name that fires while it is enabled. */
export function timedResource<S extends TimedSchema>({
  type,
  schema,
  arnOf,
  start,
  stop,
}: TimedResource<S>): ResourceProvider {
  return namedResource({
    type,
    schema,
    attributes: ['Arn'],
    name: 'Name',
    maxLength: 64,
    put(name, properties, context) {
      const arn = arnOf(name, context.cloud);
      stop(arn, context);
      if (properties.State === 'ENABLED') start(properties, arn, context);
      return { Arn: arn };
    },
    delete: ({ ref }, _properties, context) => stop(arnOf(ref, context.cloud), context),
  });
}

/** What a target gets that has no input of its own. `at`: when it was due. */
export function scheduledEvent(
  source: 'aws.events' | 'aws.scheduler',
  arn: string,
  at: number,
  cloud: CloudContext,
): Record<string, unknown> {
  return eventOf(source, 'Scheduled Event', [arn], {}, cloud, at);
}
