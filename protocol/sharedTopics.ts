import { MAX_TOPIC_BYTES, MAX_TOPIC_SLASHES } from './limits';

/**
 * Topics that functions publish to and devices subscribe to, all below `<device prefix>/shared/`. In the
 * APIs they are relative to it: neither a function nor a device needs to know the prefix.
 */
const LEVEL = '[^/+#\\u0000-\\u001f\\u007f]+';

/** A relative topic, without wildcards. */
export const SHARED_TOPIC = new RegExp(`^${LEVEL}(/${LEVEL})*$`);
/** The same with MQTT's wildcards: `+` for one level, `#` at the end for all that follow. */
export const SHARED_FILTER = new RegExp(`^((\\+|${LEVEL})/)*(\\+|#|${LEVEL})$`);
/** Below it no topic of a device's own can lie: no device may have this name. */
export const SHARED = 'shared';

export function sharedTopic(prefix: string, relative: string): string {
  return `${prefix}/${SHARED}/${relative}`;
}

/** Undefined when the topic does not lie below `<prefix>/shared/`. */
export function relativeSharedTopic(prefix: string, topic: string): string | undefined {
  const root = sharedTopic(prefix, '');
  return topic.startsWith(root) ? topic.slice(root.length) : undefined;
}

/** AWS IoT's limits, which the core's own broker keeps as well. */
export function isWithinTopicLimits(topic: string): boolean {
  // Three bytes at most per UTF-16 unit: short topics, which are nearly all, need no count.
  if (topic.length * 3 > MAX_TOPIC_BYTES && Buffer.byteLength(topic) > MAX_TOPIC_BYTES) return false;
  return topic.split('/').length - 1 <= MAX_TOPIC_SLASHES;
}

/** MQTT 3.1.1 §4.7: `a/#` matches `a` too. */
export function matchesTopicFilter(filter: string, topic: string): boolean {
  const [levels, parts] = [filter.split('/'), topic.split('/')];
  for (const [n, level] of levels.entries()) {
    if (level === '#') return true;
    if (parts[n] === undefined || (level !== '+' && level !== parts[n])) return false;
    if (n === parts.length - 1 && levels.length === n + 2) return levels[n + 1] === '#';
  }
  return levels.length === parts.length;
}
