import { EventEmitter } from 'node:events';
import { coreTopic, EdgeError } from '../../../protocol';
import type { Upstream } from '../../ports';
import { DOWN, parseDown } from '../../cloud/downMessages';
import type { CoreCalls } from './sdk';

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
