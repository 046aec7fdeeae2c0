import type { Logger } from 'pino';
import { replyTopic, statusTopic } from '../../../protocol';
import type { Devices } from '../../ports';
import type { CoreCalls } from './sdk';

/** A way back to devices whose messages a test or a handler can wait for. */
export interface V1Devices extends Devices {
  /** Resolves when everything that was sent is with the core. */
  idle(): Promise<void>;
}

/**
 * Devices over the core's router: what reaches whom is in the group's subscriptions. The core admits
 * exactly the devices of the group, and its broker retains nothing.
 */
export function createDevices(
  { publish }: Pick<CoreCalls, 'publish'>,
  { devicePrefix }: { devicePrefix: string },
  log: Logger,
): V1Devices {
  const underWay = new Set<Promise<void>>();
  const send = (topic: string, message: object): void => {
    const sent: Promise<void> = publish(topic, message)
      .catch((err: unknown) => log.error({ err, topic }, 'the core did not take the message'))
      .then(() => void underWay.delete(sent));
    underWay.add(sent);
  };
  return {
    reply: (device, kind, message) => send(replyTopic(devicePrefix, device, kind), message),
    announce: (status) => send(statusTopic(devicePrefix), status),
    // Functions of a V1 core publish through the core's own SDK.
    share: (topic) => log.warn({ topic }, 'not shared: no subscription of a V1 group carries it'),
    // A revoked device is not in the next version of the group, at which the core restarts.
    enforceAdmission: () => undefined,
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
