import { sharedTopic } from '../sharedTopics';
import { statusTopic } from '../topics';

/**
 * The device topics that a core without a broker of its own uses over the nucleus' local publish/subscribe.
 * Greengrass's MQTT bridge relays the same ones: these from devices, those below to them.
 */
export function fromDevices(devicePrefix: string): string[] {
  return [`${devicePrefix}/+/ask/+`, `${devicePrefix}/+/call/+`];
}

/** As resources of `accessControl`, where `*` stands for any text. */
export function toDevices(devicePrefix: string): string[] {
  return [`${devicePrefix}/*/reply/*`, statusTopic(devicePrefix), sharedTopic(devicePrefix, '*')];
}
