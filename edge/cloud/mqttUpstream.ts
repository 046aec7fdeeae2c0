import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import mqtt, { type IClientOptions, type ISubscriptionGrant, type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import {
  coreTopic,
  EdgeError,
  type CoreKind,
  type CoreLogs,
  type CoreStatus,
  type CoreUpdate,
} from '../../protocol';
import { backoffMs } from '../../lib/backoff';
import { systemClock, type Timer } from '../../lib/clock';
import { withinTime } from '../../lib/timeLimit';
import type { Upstream } from '../ports';
import { DOWN, parseDown } from './downMessages';

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
  /** 0 ≤ n < 1 */
  random: () => number;
}

const RECONNECT = { first: 250, most: 15_000, jitter: 0.5 };
/** Between attempts that were hurried, however many wait. */
const HURRY_MS = 250;
const PUBLISH_MS = 5_000;
/** A connection that ends sooner may have ended because of what was sent on it: do not hurry back. */
const STABLE_MS = 1_000;

/** The core's MQTT connection to the cloud: mutual TLS, client id = thing name of the core. */
export class MqttUpstream implements Upstream {
  private readonly client: MqttClient;
  private readonly events = new EventEmitter();
  private readonly topics;
  private subscribed = false;
  /** As `performance.now()` has it; Infinity while there is no connection. */
  private connectedAt = Infinity;
  private failures = 0;
  /** Between two attempts to connect. */
  private pausing = false;
  private hurriedAt = -Infinity;
  private hurrying: Timer | undefined;

  constructor(private readonly options: MqttUpstreamOptions) {
    const { core, corePrefix, log } = options;
    this.topics = new Map(DOWN.map((kind) => [coreTopic(corePrefix, core, kind), kind]));
    this.client = mqtt.connect(clientOptions(options));
    this.client.on('connect', () => this.connectedNow());
    this.client.on('reconnect', () => (this.pausing = false));
    // This listener runs before the client's own, which begins the pause.
    this.client.prependListener('close', () => this.connectionEnded());
    this.client.on('error', (err) => log.warn({ reason: err.message }, 'connection upstream failed'));
    this.client.on('message', (topic, payload) => this.received(topic, payload));
  }

  get connected(): boolean {
    return this.subscribed;
  }

  sendUpdate(update: CoreUpdate): Promise<void> {
    return this.publish('update', update);
  }

  sendStatus(status: CoreStatus): Promise<void> {
    return this.publish('status', status);
  }

  sendLogs(logs: CoreLogs): Promise<void> {
    return this.publish('log', logs);
  }

  on(event: string, listener: (message: never) => void): void {
    this.events.on(event, listener as (message: unknown) => void);
  }

  /** Tries to connect now instead of after the pause: someone waits, or the cloud was reached in another way. */
  hurry(): void {
    if (!this.pausing) return;
    const wait = Math.max(0, this.hurriedAt + HURRY_MS - performance.now());
    this.hurrying ??= systemClock.setTimeout(() => this.reconnectNow(), wait);
  }

  async close(): Promise<void> {
    this.hurrying?.cancel();
    // An acknowledgement that never comes would keep MQTT.js waiting for ever.
    await this.client.endAsync(Object.keys(this.client.outgoing).length > 0);
  }

  private connectedNow(): void {
    this.connectedAt = performance.now();
    (this.client.stream as unknown as Socket).setNoDelay(true);
    this.client.subscribe([...this.topics.keys()], { qos: 1 }, (error, granted) =>
      this.subscriptionsAnswered(error, granted),
    );
  }

  private subscriptionsAnswered(error: Error | null, granted: ISubscriptionGrant[] | undefined): void {
    if (this.connectedAt === Infinity) return;
    const { log } = this.options;
    const refused = granted?.find(({ qos }) => qos >= 128);
    if (error || refused) {
      log.error({ err: error, topic: refused?.topic }, 'subscription upstream refused');
      // No update could be confirmed without the topics of answers, so it connects anew.
      this.client.stream.destroy();
      return;
    }
    this.subscribed = true;
    log.info('connected upstream');
    this.events.emit('connected');
  }

  private connectionEnded(): void {
    const { client } = this;
    const { log, random } = this.options;
    // close() ended the connection: nothing was lost, and nothing comes after it.
    if (client.disconnecting) return;
    this.pausing = true;
    if (this.subscribed) log.warn('connection upstream lost');
    // AWS IoT ends the connection of a client that does what its policy denies.
    else if (this.connectedAt !== Infinity)
      log.warn('connection upstream ended before the subscriptions held');
    if (performance.now() - this.connectedAt >= STABLE_MS) this.failures = 0;
    this.subscribed = false;
    this.connectedAt = Infinity;
    // MQTT.js would send what was not acknowledged again and again, and with it what the broker refuses.
    for (const id of Object.keys(client.outgoing)) client.removeOutgoingMessage(Number(id));
    client.options.reconnectPeriod = backoffMs(this.failures, RECONNECT, random);
    this.failures += 1;
  }

  private received(topic: string, payload: Buffer): void {
    const kind = this.topics.get(topic);
    try {
      if (kind !== undefined) this.events.emit(kind, parseDown(kind, payload));
    } catch (err) {
      this.options.log.error({ err, topic }, 'message from the cloud not understood');
    }
  }

  private reconnectNow(): void {
    this.hurrying = undefined;
    if (!this.pausing || this.client.disconnecting) return;
    this.pausing = false;
    this.hurriedAt = performance.now();
    this.client.reconnect();
  }

  /** At QoS 1; resolves with the acknowledgement. Throws CLOUD_UNREACHABLE. */
  private async publish(kind: CoreKind, message: object): Promise<void> {
    // MQTT.js would keep it for later; whoever sends it decides that.
    if (!this.subscribed) throw new EdgeError('CLOUD_UNREACHABLE');
    const topic = coreTopic(this.options.corePrefix, this.options.core, kind);
    const acknowledged = this.client.publishAsync(topic, JSON.stringify(message), { qos: 1 });
    try {
      await withinTime(systemClock, PUBLISH_MS, acknowledged, () => {
        throw new EdgeError('CLOUD_UNREACHABLE', 'no acknowledgement');
      });
    } catch (error) {
      throw EdgeError.from(error, 'CLOUD_UNREACHABLE');
    }
  }
}

function clientOptions({
  host,
  port,
  core,
  certificate,
  privateKey,
  ca,
}: MqttUpstreamOptions): IClientOptions {
  return {
    protocol: 'mqtts',
    host,
    port,
    clientId: core,
    cert: certificate,
    key: privateKey,
    ...(ca !== undefined && { ca }),
    // AWS IoT takes MQTT on the HTTPS port only for clients that say so.
    ...(port === 443 && { ALPNProtocols: ['x-amzn-mqtt-ca'] }),
    clean: true,
    keepalive: 30,
    connectTimeout: 10_000,
    reconnectPeriod: RECONNECT.first,
    resubscribe: false,
  };
}
