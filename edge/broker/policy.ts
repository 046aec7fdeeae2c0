import {
  MAX_TOPIC_BYTES,
  MAX_TOPIC_SLASHES,
  parseDeviceTopic,
  REPLIES,
  replyTopic,
  statusTopic,
  type DeviceTopic,
} from '../../protocol';

/**
 * What one device may do on this broker: publish its own asks and calls, subscribe to its own replies
 * and to the edge's status, nothing else. Made once per connection.
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
      if (!isWithinLimits(topic)) return undefined;
      const parsed = parseDeviceTopic(prefix, topic);
      return parsed?.device === device ? parsed : undefined;
    },
    subscribe: (filter) => filters.has(filter),
  };
}

function isWithinLimits(topic: string): boolean {
  // Three bytes at most per UTF-16 unit: short topics, which are nearly all, need no count.
  if (topic.length * 3 > MAX_TOPIC_BYTES && Buffer.byteLength(topic) > MAX_TOPIC_BYTES) return false;
  return topic.split('/').length - 1 <= MAX_TOPIC_SLASHES;
}
