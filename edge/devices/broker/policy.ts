import {
  isWithinTopicLimits,
  parseDeviceTopic,
  relativeSharedTopic,
  REPLIES,
  replyTopic,
  SHARED_FILTER,
  statusTopic,
  type DeviceTopic,
} from '../../../protocol';

/**
 * What one device may do on this broker: publish its own asks and calls, subscribe to its own replies,
 * to the edge's status and to what functions publish, nothing else. Made once per connection.
 */
export interface DevicePolicy {
  /** What a topic means that the device may publish to, else undefined. */
  publish(topic: string): DeviceTopic | undefined;
  subscribe(filter: string): boolean;
}

export function devicePolicy(prefix: string, device: string): DevicePolicy {
  const filters = new Set([statusTopic(prefix), replyTopic(prefix, device, '+')]);
  for (const reply of REPLIES) filters.add(replyTopic(prefix, device, reply));
  return {
    publish(topic) {
      if (!isWithinTopicLimits(topic)) return undefined;
      const parsed = parseDeviceTopic(prefix, topic);
      return parsed?.device === device ? parsed : undefined;
    },
    subscribe: (filter) => filters.has(filter) || isShared(prefix, filter),
  };
}

function isShared(prefix: string, filter: string): boolean {
  const relative = relativeSharedTopic(prefix, filter);
  return relative !== undefined && SHARED_FILTER.test(relative) && isWithinTopicLimits(filter);
}
