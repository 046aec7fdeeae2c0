import { randomUUID } from 'node:crypto';
import type { CloudContext } from '../../base/context';
import type { Lambda } from '../lambda';
import { parsePattern, type Matches } from './pattern';

interface EventTarget {
  /** ARN of a Lambda function; its resource policy decides. */
  arn: string;
  /** JSON text that replaces the event. */
  input?: string;
}

interface EventRule {
  arn: string;
  pattern: unknown;
  targets: readonly EventTarget[];
}

/** What a service of AWS tells the default event bus. */
export interface ServiceEvent {
  /** `aws.greengrass` */
  source: string;
  detailType: string;
  /** ARNs */
  resources: readonly string[];
  detail: Record<string, unknown>;
}

/** The default event bus: rules with an event pattern, and events of services. */
export interface EventBridge {
  /** Creates or replaces. Throws a TypeError for a pattern that is not understood. */
  putRule(rule: EventRule): void;
  removeRule(arn: string): void;
  /** Delivered to each rule that matches through the event delivery's channel `eventBridge`. */
  putEvent(event: ServiceEvent): void;
  /** Invokes each target of a rule, whatever its pattern: its time has come. */
  invoke(rule: Pick<EventRule, 'arn' | 'targets'>, event: Record<string, unknown>): Promise<void>;
}

export function createEventBridge(cloud: CloudContext, lambda: Lambda): EventBridge {
  const rules = new Map<string, { rule: EventRule; matches: Matches }>();

  async function invoke(
    { arn, targets }: Pick<EventRule, 'arn' | 'targets'>,
    event: Record<string, unknown>,
  ): Promise<void> {
    const caller = { service: 'events.amazonaws.com', sourceArn: arn };
    for (const target of targets) {
      const payload: unknown = target.input === undefined ? structuredClone(event) : JSON.parse(target.input);
      await lambda.invokeAsService(target.arn, caller, payload, 'async');
    }
  }

  return {
    putRule: (rule) => void rules.set(rule.arn, { rule, matches: parsePattern(rule.pattern) }),
    removeRule: (arn) => void rules.delete(arn),
    putEvent(given) {
      const event = eventOf(given.source, given.detailType, given.resources, given.detail, cloud, Date.now());
      for (const { rule, matches } of rules.values()) {
        if (!matches(event)) continue;
        cloud.events.deliver('eventBridge', `${given.detailType} → ${rule.arn}`, () => invoke(rule, event));
      }
    },
    invoke,
  };
}

/** Source: Amazon EventBridge User Guide, "Event structure". `at` in milliseconds since the epoch. */
export function eventOf(
  source: string,
  detailType: string,
  resources: readonly string[],
  detail: Record<string, unknown>,
  { account, region }: Pick<CloudContext, 'account' | 'region'>,
  at: number,
): Record<string, unknown> {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': detailType,
    source,
    account,
    time: new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region,
    resources,
    detail,
  };
}
