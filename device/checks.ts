import { EdgeError } from '../protocol/errors';
import { MAX_MQTT_PAYLOAD } from '../protocol/limits';
import { isWithinTopicLimits, SHARED_FILTER, sharedTopic } from '../protocol/sharedTopics';
import type { QoS } from './link';
import type { Outgoing } from './requests';

/**
 * Checks of what the caller passes. By hand, because the schemas of `protocol/` would bring zod into
 * the bundle; a test holds them against those schemas.
 */
const THING_NAME = /^[a-zA-Z0-9:_-]{1,128}$/;
const FUNCTION_NAME = /^[a-zA-Z][a-zA-Z0-9_-]{0,47}$/;
const PREFIX = /^[^/+#\0]+(\/[^/+#\0]+){0,3}$/;
/** The longest time that setTimeout can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export function requireThingName(value: unknown): string {
  return requireName(value, THING_NAME, 'thingName', '1 to 128 of a-z, A-Z, 0-9, ":", "_" and "-"');
}

export function requireFunctionName(value: unknown): string {
  const expected = 'a letter followed by at most 47 of a-z, A-Z, 0-9, "_" and "-"';
  return requireName(value, FUNCTION_NAME, 'function', expected);
}

export function requirePrefix(value: unknown): string {
  return requireMatch(value, PREFIX, 'prefix', 'topic segments without "+" and "#"');
}

/** A topic below `<prefix>/shared/`, in which `+` and `#` are wildcards. */
export function requireSharedFilter(prefix: string, value: unknown): string {
  const filter = requireMatch(
    value,
    SHARED_FILTER,
    'topic',
    'levels such as "alerts/line-1", "alerts/+" or "#"',
  );
  if (isWithinTopicLimits(sharedTopic(prefix, filter))) return filter;
  throw invalidOption('topic', 'a topic of at most 256 bytes and 7 slashes, its prefix included');
}

/** Whether it is a range at all is the edge's to say: it knows semver, this client does not carry it. */
export function requireVersion(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return requireMatch(value, /^[^]{1,64}$/, 'version', 'an exact version or a semver range');
}

/** Milliseconds as a whole number. */
export function requireTimeout(value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !(value > 0))
    throw invalidOption('timeout', 'a number of milliseconds above 0');
  return Math.min(Math.ceil(value), MAX_TIMEOUT_MS);
}

export function requireOneOf<T extends string>(value: unknown, field: string, among: readonly T[]): T {
  if (among.includes(value as T)) return value as T;
  throw invalidOption(field, among.map((one) => `"${one}"`).join(' or '));
}

export function requirePort(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536) return value;
  throw invalidOption(field, 'a port from 1 to 65535');
}

export function requireText(value: unknown, field: string): string {
  return requireMatch(value, /./, field, 'a text');
}

/**
 * A message with its payload as JSON. Throws PAYLOAD_TOO_LARGE over 128 KB, which neither the SDK nor
 * a broker on the edge would refuse, and BAD_REQUEST for what JSON cannot express.
 */
export function outgoing(topic: string, body: Record<string, unknown>, qos: QoS): Outgoing {
  let payload: string;
  try {
    payload = JSON.stringify(body);
  } catch (error) {
    throw new EdgeError('BAD_REQUEST', 'input: expected a value that JSON can express', {
      field: 'input',
      cause: error,
    });
  }
  const bytes = Buffer.byteLength(payload);
  if (bytes > MAX_MQTT_PAYLOAD) {
    throw new EdgeError(
      'PAYLOAD_TOO_LARGE',
      `the message has ${bytes} bytes, the limit is ${MAX_MQTT_PAYLOAD}`,
      { field: 'input', expected: `at most ${MAX_MQTT_PAYLOAD} bytes`, details: { bytes } },
    );
  }
  return { topic, payload, qos };
}

export function invalidOption(field: string, expected: string, cause?: unknown): EdgeError {
  return new EdgeError('BAD_REQUEST', `${field}: expected ${expected}`, { field, expected, cause });
}

/** Names are keys of records on the edge, which refuses those that every object inherits. */
function requireName(value: unknown, form: RegExp, field: string, expected: string): string {
  const name = requireMatch(value, form, field, expected);
  if (name in Object.prototype) throw invalidOption(field, 'a name that no JavaScript object inherits');
  return name;
}

function requireMatch(value: unknown, form: RegExp, field: string, expected: string): string {
  if (typeof value === 'string' && form.test(value)) return value;
  throw invalidOption(field, expected);
}
