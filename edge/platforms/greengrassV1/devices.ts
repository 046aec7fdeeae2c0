import type { Logger } from 'pino';
import { createTopicDevices, type TopicDevices } from '../../devices/topicDevices';
import type { CoreCalls } from './sdk';

/**
 * Devices over the core's router: what reaches whom is in the group's subscriptions, which also tie the
 * topic of a message to the thing that sent it. The core admits exactly the devices of the group, and its
 * broker retains nothing. A revoked device is not in the group's next version, at which the core restarts.
 */
export function createDevices(
  { publish }: Pick<CoreCalls, 'publish'>,
  { devicePrefix }: { devicePrefix: string },
  log: Logger,
): TopicDevices {
  return {
    ...createTopicDevices(publish, { devicePrefix, log }),
    // Functions of a V1 core publish through the core's own SDK.
    share: (topic) => log.warn({ topic }, 'not shared: no subscription of a V1 group carries it'),
  };
}
