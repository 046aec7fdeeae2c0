import { z } from 'zod';
import { eventOf } from '../eventBridge';
import { parseSchedule } from './expression';
import {
  defineResource,
  type PhysicalResource,
  type ResourceContext,
  type ResourceProvider,
} from '../../stack/resource';

export const expressionSchema = z.string().check((check) => {
  try {
    parseSchedule(check.value);
  } catch (error) {
    check.issues.push({ code: 'custom', input: check.value, message: (error as Error).message });
  }
});

export const stateSchema = z.enum(['ENABLED', 'DISABLED']).default('ENABLED');

interface Timed<S extends z.ZodType<{ Name?: string | undefined; State: 'ENABLED' | 'DISABLED' }>> {
  type: string;
  schema: S;
  arnOf(name: string, cloud: ResourceContext['cloud']): string;
  /** Only for what is enabled; whatever ran under this ARN was stopped. */
  start(properties: z.output<S>, arn: string, context: ResourceContext): void;
  stop(arn: string, context: ResourceContext): void;
}

/** A rule or schedule: something with a name that fires while it is enabled. */
export function timedResource<
  S extends z.ZodType<{ Name?: string | undefined; State: 'ENABLED' | 'DISABLED' }>,
>(timed: Timed<S>): ResourceProvider {
  const arnOf = ({ attributes }: PhysicalResource): string => attributes['Arn'] ?? '';
  const apply = (
    properties: z.output<S>,
    physical: PhysicalResource,
    context: ResourceContext,
  ): PhysicalResource => {
    timed.stop(arnOf(physical), context);
    if (properties.State === 'ENABLED') timed.start(properties, arnOf(physical), context);
    return physical;
  };
  return defineResource({
    type: timed.type,
    schema: timed.schema,
    attributes: ['Arn'],
    async create(properties, context) {
      const name = properties.Name ?? context.generatedName(64);
      const physical = { ref: name, attributes: { Arn: timed.arnOf(name, context.cloud) } };
      return apply(properties, physical, context);
    },
    update: async (current, next, _previous, context) => apply(next, current, context),
    replaces: (next, previous) => next.Name !== previous.Name,
    delete: async (current, _properties, context) => timed.stop(arnOf(current), context),
  });
}

/** What a target gets that has no input of its own. `at`: when it was due. */
export function scheduledEvent(
  source: 'aws.events' | 'aws.scheduler',
  arn: string,
  at: number,
  cloud: ResourceContext['cloud'],
): Record<string, unknown> {
  return eventOf(source, 'Scheduled Event', [arn], {}, cloud, at);
}
