import type { Socket } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { TestCertificate } from './certificates';

export interface Received {
  topic: string;
  message: Record<string, unknown>;
}

/** A device on MQTT.js. Every wait is for a message, never for a time. */
export class MqttDevice {
  readonly received: Received[] = [];
  private readonly waiting: {
    matches: (received: Received) => boolean;
    resolve: (found: Received) => void;
  }[] = [];

  private constructor(
    readonly name: string,
    readonly client: MqttClient,
  ) {
    client.on('message', (topic, payload) => {
      const received = { topic, message: JSON.parse(payload.toString()) as Record<string, unknown> };
      this.received.push(received);
      for (const waiter of this.waiting.filter(({ matches }) => matches(received))) {
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        waiter.resolve(received);
      }
    });
    client.on('error', () => undefined);
  }

  /** Rejects with the CONNACK's error (`code`: its return code) or the connection's end. */
  static async connect(
    name: string,
    certificate: Pick<TestCertificate, 'certificate' | 'privateKey'> | undefined,
    port: number,
    options: IClientOptions = {},
  ): Promise<MqttDevice> {
    const client = mqtt.connect({
      protocol: 'mqtts',
      host: '127.0.0.1',
      port,
      clientId: name,
      ...(certificate && { cert: certificate.certificate, key: certificate.privateKey }),
      rejectUnauthorized: false,
      reconnectPeriod: 0,
      ...options,
    });
    const device = new MqttDevice(name, client);
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('closed')));
    });
    (client.stream as unknown as Socket).setNoDelay(true);
    return device;
  }

  /** Subscribed to its replies. */
  static async open(
    name: string,
    certificate: TestCertificate,
    port: number,
    options: IClientOptions = {},
  ): Promise<MqttDevice> {
    const device = await MqttDevice.connect(name, certificate, port, options);
    await device.client.subscribeAsync(`edge/${name}/reply/+`, { qos: 1 });
    return device;
  }

  /** The reply of that kind to that request, past or to come. Rejects when the request fails instead. */
  async reply(kind: string, requestId?: string): Promise<Record<string, unknown>> {
    const [wanted, failed] = [kind, 'failed'].map((each) => `edge/${this.name}/reply/${each}`);
    const { topic, message } = await this.next((received) =>
      requestId === undefined
        ? received.topic === wanted
        : received.message['requestId'] === requestId && [wanted, failed].includes(received.topic),
    );
    if (topic === wanted) return message;
    throw new Error(`${this.name}: ${JSON.stringify(message['error'])} instead of ${kind}`);
  }

  next(matches: (received: Received) => boolean): Promise<Received> {
    const found = this.received.find(matches);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => this.waiting.push({ matches, resolve }));
  }

  publish(topic: string, payload: unknown, qos: 0 | 1 | 2 = 1): Promise<unknown> {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    return this.client.publishAsync(topic, text, { qos });
  }

  ask(kind: string, message: object, qos: 0 | 1 = 1): Promise<unknown> {
    return this.publish(`edge/${this.name}/ask/${kind}`, message, qos);
  }

  closed(): Promise<unknown> {
    if (!this.client.connected) return Promise.resolve();
    return new Promise((resolve) => this.client.once('close', () => resolve(undefined)));
  }

  async end(): Promise<void> {
    await this.client.endAsync(true);
  }
}
