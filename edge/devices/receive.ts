import {
  askSchemas,
  callSchema,
  EdgeError,
  failedReply,
  functionNameSchema,
  MAX_MQTT_PAYLOAD,
  parseWith,
  requestIdOf,
  type AskMessage,
  type DeviceTopic,
} from '../../protocol';
import type { Devices } from '../ports';
import { messagesSeam } from '../seams';
import type { DeviceMessageHandlers } from './deviceAccess';

/** One PUBLISH of a device. `topic` is undefined when the device may not use it. */
export interface ReceivedMessage {
  device: string;
  topic: DeviceTopic | undefined;
  /** As the device wrote it. */
  topicName: string;
  qos: number;
  payload: Buffer;
  /** Why nothing of this device is served. */
  refusal?: EdgeError | undefined;
}

/** Checks a message and hands it on; what is wrong with it goes back as a coded failure. */
export function receiveMessage(
  message: ReceivedMessage,
  handlers: DeviceMessageHandlers,
  devices: Pick<Devices, 'reply'>,
): void {
  const { device, payload } = message;
  let requestId: string | undefined;
  try {
    requireAllowed(message);
    if (payload.length > MAX_MQTT_PAYLOAD) {
      throw new EdgeError('PAYLOAD_TOO_LARGE', undefined, { details: { limit: MAX_MQTT_PAYLOAD } });
    }
    const value = parseJson(payload);
    requestId = requestIdOf(value);
    dispatch(message.topic as DeviceTopic, value, handlers);
  } catch (error) {
    devices.reply(device, 'failed', failedReply(requestId ?? readableRequestId(payload), error));
  }
}

function requireAllowed({ topic, topicName, qos, refusal }: ReceivedMessage): void {
  if (refusal !== undefined) throw refusal;
  if (topic === undefined) {
    throw new EdgeError('FORBIDDEN_TOPIC', undefined, { details: { topic: topicName.slice(0, 256) } });
  }
  if (qos === 2) {
    throw new EdgeError('BAD_REQUEST', 'QoS 2 is not supported', { field: 'qos', expected: '0 or 1' });
  }
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    throw new EdgeError('BAD_REQUEST', 'the payload is not JSON', {
      field: '(whole)',
      expected: 'a JSON document',
    });
  }
}

function dispatch(topic: DeviceTopic, value: unknown, handlers: DeviceMessageHandlers): void {
  const { device } = topic;
  if (topic.kind === 'call') {
    const functionName = parseWith(functionNameSchema, topic.function, 'function name in the topic');
    const message = parseWith(callSchema, value, 'call');
    if (messagesSeam.hasSubscribers) messagesSeam.publish({ device, functionName, message });
    handlers.call(device, functionName, message);
    return;
  }
  const { ask } = topic;
  const message: AskMessage = parseWith(askSchemas[ask], value, ask);
  if (messagesSeam.hasSubscribers) messagesSeam.publish({ device, ask, message });
  handlers.ask(device, ask, message);
}

/** How far into a payload that cannot be parsed its request id is looked for. */
const READABLE_BYTES = 1_024;

function readableRequestId(payload: Buffer): string | undefined {
  const beginning = payload.toString('latin1', 0, READABLE_BYTES);
  return /"requestId"\s*:\s*"([a-zA-Z0-9_-]{1,64})"/.exec(beginning)?.[1];
}
