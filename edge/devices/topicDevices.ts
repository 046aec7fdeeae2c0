import type { Logger } from 'pino';
import {
  EdgeError,
  failedReply,
  isWithinTopicLimits,
  MAX_MQTT_PAYLOAD,
  parseDeviceTopic,
  replyTopic,
  SHARED,
  statusTopic,
  thingNameSchema,
} from '../../protocol';
import { Underway } from '../../lib/underway';
import type { Devices } from '../ports';
import { repliesSeam } from '../seams';
import type { DeviceMessageHandlers } from './deviceAccess';
import { receiveMessage } from './receive';

/** Devices behind a broker that is not the core's: all that there is of them here are topics. */
export interface TopicDevices extends Devices {
  /** Resolves when everything that was sent is with the broker. */
  idle(): Promise<void>;
}

/** `publish` takes a whole topic and JSON text. What it cannot send is logged: a device asks again. */
export function createTopicDevices(
  publish: (topic: string, payload: string) => Promise<void>,
  { devicePrefix, log }: { devicePrefix: string; log: Logger },
): TopicDevices {
  const underway = new Underway();
  const send = (topic: string, payload: string): void => {
    underway.track(publish(topic, payload)).catch((err: unknown) => {
      log.error({ err, topic }, 'a message to devices could not be published');
    });
  };
  const reply: Devices['reply'] = (device, kind, message) => {
    const payload = JSON.stringify(message);
    const bytes = Buffer.byteLength(payload);
    if (bytes > MAX_MQTT_PAYLOAD) {
      reply(device, 'failed', failedReply(message.requestId, tooLargeHere(bytes)));
      return;
    }
    if (repliesSeam.hasSubscribers) repliesSeam.publish({ device, kind, message });
    send(replyTopic(devicePrefix, device, kind), payload);
  };
  return {
    reply,
    announce: (status) => send(statusTopic(devicePrefix), JSON.stringify(status)),
    share: send,
    // Connections are the broker's.
    enforceAdmission: () => undefined,
    idle: () => underway.idle(),
  };
}

/** A broker that is not the core's carries no longer message, and the envelope counts there. */
function tooLargeHere(bytes: number): EdgeError {
  const why = `the result has ${bytes} bytes with its envelope, the broker of the devices carries ${MAX_MQTT_PAYLOAD}`;
  return new EdgeError('RESULT_TOO_LARGE', why, { details: { bytes, limit: MAX_MQTT_PAYLOAD } });
}

export interface TopicReceiver {
  devicePrefix: string;
  handlers: DeviceMessageHandlers;
  devices: Pick<Devices, 'reply'>;
  /** Why nothing of this device is served; absent: the broker lets in none but the group's. */
  refusalOf?: (device: string) => EdgeError | undefined;
}

/**
 * Checks a message that came by `topicName` and hands it on; what is wrong with it goes back to the device
 * as a coded failure. Who sent it says the topic, so the broker has to tie that to the sender. False when
 * the topic is none of a device's.
 */
export function receiveByTopic(topicName: string, payload: Buffer, receiver: TopicReceiver): boolean {
  const { devicePrefix, handlers, devices, refusalOf } = receiver;
  const device = senderOf(devicePrefix, topicName);
  if (device === undefined) return false;
  const topic = isWithinTopicLimits(topicName) ? parseDeviceTopic(devicePrefix, topicName) : undefined;
  // Only the broker knows at which QoS it was published.
  const message = { device, topic, topicName, qos: 0, payload, refusal: refusalOf?.(device) };
  receiveMessage(message, handlers, devices);
  return true;
}

/** The device of `<prefix>/<device>/ask/…` and `…/call/…`, whatever follows. */
function senderOf(prefix: string, topicName: string): string | undefined {
  if (!topicName.startsWith(`${prefix}/`)) return undefined;
  const [device, kind] = topicName.slice(prefix.length + 1).split('/');
  if ((kind !== 'ask' && kind !== 'call') || device === SHARED) return undefined;
  return thingNameSchema.safeParse(device).data;
}
