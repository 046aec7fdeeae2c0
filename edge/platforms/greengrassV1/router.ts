import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import { coreTopic, EdgeError } from '../../../protocol';
import { DOWN, parseDown } from '../../cloud/downMessages';
import { createTopicDevices, type TopicDevices } from '../../devices/topicDevices';
import type { Upstream } from '../../ports';
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

export interface V1Upstream extends Upstream {
  /** A message that the core brought from the cloud. False when its topic is none of the core's. */
  receive(topic: string, payload: Buffer): boolean;
}

/**
 * The way to the cloud through the core's router, which keeps messages while the core is offline: for
 * whoever sends one it is always connected.
 */
export function createUpstream(
  { publish }: Pick<CoreCalls, 'publish'>,
  { corePrefix, core }: { corePrefix: string; core: string },
): V1Upstream {
  const events = new EventEmitter();
  const kinds = new Map(DOWN.map((kind) => [coreTopic(corePrefix, core, kind), kind]));
  const send = async (kind: 'update' | 'status', message: object): Promise<void> => {
    try {
      await publish(coreTopic(corePrefix, core, kind), JSON.stringify(message));
    } catch (error) {
      throw EdgeError.from(error, 'CLOUD_UNREACHABLE');
    }
  };
  return {
    connected: true,
    sendUpdate: (update) => send('update', update),
    sendStatus: (status) => send('status', status),
    on(event: string, listener: (message: never) => void) {
      events.on(event, listener as (message: unknown) => void);
    },
    receive(topic, payload) {
      const kind = kinds.get(topic);
      if (kind === undefined) return false;
      events.emit(kind, parseDown(kind, payload));
      return true;
    },
    close: async () => undefined,
  };
}
