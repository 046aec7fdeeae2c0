import type { Socket } from 'node:net';
import mqtt from 'mqtt';
import type { Logger } from 'pino';
import { topicMatches } from '../../services/iotCore/topics';

export interface CloudMessage {
  topic: string;
  payload: Buffer;
  retain: boolean;
}

/** The nucleus' connection to AWS IoT Core, which all components share. */
export interface CloudMqtt {
  /** Kept and sent when the connection is there. */
  publish(message: CloudMessage & { qos: 0 | 1 }): void;
  /** Resolves once the broker has accepted; gives what ends it. Rejects with the broker's refusal. */
  subscribe(filter: string, qos: 0 | 1, listener: (message: CloudMessage) => void): Promise<() => void>;
  close(): Promise<void>;
}

export interface CloudMqttOptions {
  thingName: string;
  host: string;
  port: number;
  /** PEM. */
  ca?: string | undefined;
  certificate: string;
  privateKey: string;
  log: Logger;
}

const RECONNECT_MS = 1_000;
const REFUSED = 128;

export function connectMqtt(options: CloudMqttOptions): CloudMqtt {
  const { log } = options;
  const listeners = new Set<{ filter: string; listener: (message: CloudMessage) => void }>();
  const client = mqtt.connect({
    protocol: 'mqtts',
    host: options.host,
    port: options.port,
    clientId: options.thingName,
    cert: options.certificate,
    key: options.privateKey,
    ...(options.ca !== undefined && { ca: options.ca }),
    clean: true,
    keepalive: 30,
    reconnectPeriod: RECONNECT_MS,
  });
  client.on('connect', () => {
    // A small packet must not wait for the acknowledgement of the one before it.
    (client.stream as unknown as Socket).setNoDelay(true);
    log.info('connected to AWS IoT Core');
  });
  client.on('error', (err) => log.warn({ err }, 'connection to AWS IoT Core'));
  client.on('message', (topic, payload, { retain }) => {
    for (const { filter, listener } of listeners) {
      if (topicMatches(filter, topic)) listener({ topic, payload, retain });
    }
  });

  return {
    publish({ topic, payload, qos, retain }) {
      client.publish(topic, payload, { qos, retain }, (err) => {
        if (err) log.warn({ err, topic }, 'publish to AWS IoT Core failed');
      });
    },
    async subscribe(filter, qos, listener) {
      const entry = { filter, listener };
      listeners.add(entry);
      try {
        // Always asked anew: a retained message comes to each new subscriber.
        const [granted] = await client.subscribeAsync(filter, { qos });
        if (granted === undefined || granted.qos >= REFUSED) throw new Error('refused by the broker');
      } catch (error) {
        listeners.delete(entry);
        throw error;
      }
      return () => {
        listeners.delete(entry);
        if ([...listeners].some((other) => other.filter === filter)) return;
        client.unsubscribe(filter, () => undefined);
      };
    },
    close: () => client.endAsync(true),
  };
}
