import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import mqtt, { type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import { coreTopic, EdgeError } from '../../protocol';
import type { Upstream } from '../ports';
import { DOWN, parseDown } from './downMessages';

/** The core's MQTT connection to the cloud: mutual TLS, client id = thing name of the core. */
export interface MqttUpstreamOptions {
  core: string;
  corePrefix: string;
  host: string;
  port: number;
  /** PEM. */
  ca?: string;
  certificate: string;
  privateKey: string;
  log: Logger;
  random(): number;
}

const FIRST_RECONNECT_MS = 250;
const MAX_RECONNECT_MS = 15_000;
/** Between attempts that were hurried, however many wait. */
const HURRY_MS = 250;
const PUBLISH_MS = 5_000;
/** A connection that ends sooner may have ended because of what was sent on it: do not hurry back. */
const STABLE_MS = 1_000;

export interface MqttUpstream extends Upstream {
  /** Tries to connect now instead of after the pause: someone waits, or the cloud was reached in another way. */
  hurry(): void;
}

export function connectUpstream(options: MqttUpstreamOptions): MqttUpstream {
  const { core, corePrefix, log } = options;
  const events = new EventEmitter();
  const topics = new Map(DOWN.map((kind) => [coreTopic(corePrefix, core, kind), kind]));
  let subscribed = false;
  let connectedAt = Infinity;
  let failures = 0;
  let pausing = false;
  let hurriedAt = -Infinity;
  let hurrying: NodeJS.Timeout | undefined;

  const client = mqtt.connect({
    protocol: 'mqtts',
    host: options.host,
    port: options.port,
    clientId: core,
    cert: options.certificate,
    key: options.privateKey,
    ...(options.ca !== undefined && { ca: options.ca }),
    // AWS IoT takes MQTT on the HTTPS port only for clients that say so.
    ...(options.port === 443 && { ALPNProtocols: ['x-amzn-mqtt-ca'] }),
    clean: true,
    keepalive: 30,
    connectTimeout: 10_000,
    reconnectPeriod: FIRST_RECONNECT_MS,
    resubscribe: false,
  });
  client.on('connect', () => {
    connectedAt = performance.now();
    (client.stream as unknown as Socket).setNoDelay(true);
    client.subscribe([...topics.keys()], { qos: 1 }, (error, granted) => {
      if (connectedAt === Infinity) return;
      const refused = granted?.find(({ qos }) => qos >= 128);
      if (error || refused) {
        log.error({ err: error, topic: refused?.topic }, 'subscription upstream refused');
        // Without an answer's topic no update can be confirmed: better to try again.
        client.stream.destroy();
        return;
      }
      subscribed = true;
      log.info('connected upstream');
      events.emit('connected');
    });
  });
  client.on('reconnect', () => (pausing = false));
  // Ahead of the client's own listener, which begins the pause.
  client.prependListener('close', () => {
    // By close(): nothing was lost, and nothing comes after it.
    if (client.disconnecting) return;
    pausing = true;
    if (subscribed) log.warn('connection upstream lost');
    // AWS IoT ends the connection of a client that does what its policy denies.
    else if (connectedAt !== Infinity) log.warn('connection upstream ended before the subscriptions held');
    if (performance.now() - connectedAt >= STABLE_MS) failures = 0;
    subscribed = false;
    connectedAt = Infinity;
    // MQTT.js would send what was not acknowledged again and again, and with it what the broker refuses.
    for (const id of Object.keys(client.outgoing)) client.removeOutgoingMessage(Number(id));
    const longest = Math.min(MAX_RECONNECT_MS, FIRST_RECONNECT_MS * 2 ** failures);
    failures += 1;
    client.options.reconnectPeriod = Math.ceil(longest * (0.5 + options.random() / 2));
  });
  client.on('error', (err) => log.warn({ reason: err.message }, 'connection upstream failed'));
  client.on('message', (topic, payload) => {
    const kind = topics.get(topic);
    try {
      if (kind !== undefined) events.emit(kind, parseDown(kind, payload));
    } catch (err) {
      log.error({ err, topic }, 'message from the cloud not understood');
    }
  });

  return {
    get connected() {
      return subscribed;
    },
    sendUpdate: (update) => publish(client, subscribed, coreTopic(corePrefix, core, 'update'), update),
    sendStatus: (status) => publish(client, subscribed, coreTopic(corePrefix, core, 'status'), status),
    sendLogs: (logs) => publish(client, subscribed, coreTopic(corePrefix, core, 'log'), logs),
    on(event: string, listener: (message: never) => void) {
      events.on(event, listener as (message: unknown) => void);
    },
    hurry() {
      if (!pausing) return;
      hurrying ??= setTimeout(reconnectNow, Math.max(0, hurriedAt + HURRY_MS - performance.now()));
    },
    close() {
      clearTimeout(hurrying);
      // An acknowledgement that never comes would keep MQTT.js waiting for ever.
      return client.endAsync(Object.keys(client.outgoing).length > 0);
    },
  };

  function reconnectNow(): void {
    hurrying = undefined;
    if (!pausing || client.disconnecting) return;
    pausing = false;
    hurriedAt = performance.now();
    client.reconnect();
  }
}

/** At QoS 1; resolves with the acknowledgement. Throws CLOUD_UNREACHABLE. */
async function publish(
  client: MqttClient,
  connected: boolean,
  topic: string,
  message: unknown,
): Promise<void> {
  // MQTT.js would keep it for later; whoever sends it decides that.
  if (!connected) throw new EdgeError('CLOUD_UNREACHABLE');
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new EdgeError('CLOUD_UNREACHABLE', 'no acknowledgement')), PUBLISH_MS);
  });
  try {
    await Promise.race([client.publishAsync(topic, JSON.stringify(message), { qos: 1 }), timeout]);
  } catch (error) {
    throw EdgeError.from(error, 'CLOUD_UNREACHABLE');
  } finally {
    clearTimeout(timer);
  }
}
