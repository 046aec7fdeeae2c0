import { MAX_TOPIC_BYTES, MAX_TOPIC_SLASHES } from '../../../protocol';

/** What is wrong with a topic or a topic filter by AWS IoT Core's limits, or undefined. */
export function topicProblem(topic: string): string | undefined {
  if (topic.length === 0) return 'an empty topic';
  // AWS keeps them for itself; none of its services behind them is simulated here.
  if (topic.startsWith('$')) return `reserved topics are not supported by the local cloud: ${topic}`;
  if (Buffer.byteLength(topic) > MAX_TOPIC_BYTES) return `a topic longer than ${MAX_TOPIC_BYTES} bytes`;
  const slashes = topic.split('/').length - 1;
  if (slashes > MAX_TOPIC_SLASHES) return `a topic with more than ${MAX_TOPIC_SLASHES} slashes: ${topic}`;
  return undefined;
}

/** MQTT 3.1.1, section 4.7: `+` stands for one level, a last `#` for any number, also none. */
export function topicMatches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  if (topic.startsWith('$') && (wanted[0] === '+' || wanted[0] === '#')) return false;
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    if (index >= levels.length || (level !== '+' && level !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}

/** Whether wildcards stand only where MQTT allows them. */
export function isTopicFilter(filter: string): boolean {
  const levels = filter.split('/');
  return levels.every((level, index) => {
    if (level === '#') return index === levels.length - 1;
    return level === '+' || !/[+#]/.test(level);
  });
}
