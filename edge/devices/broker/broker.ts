import { readFile } from 'node:fs/promises';
import type { TLSSocket } from 'node:tls';
import { Aedes, type AedesOptions, type AuthenticateError, type Client, type PublishPacket } from 'aedes';
import type { Logger } from 'pino';
import { EdgeError, MAX_MQTT_PAYLOAD, statusTopic, type EdgeStatusMessage } from '../../../protocol';
import type { ListenSettings } from '../../../protocol/coreConfig';
import type { Devices } from '../../ports';
import { repliesSeam } from '../../seams';
import type { DeviceAccess, DeviceAccessParts, DeviceMessageHandlers } from '../deviceAccess';
import { receiveMessage } from '../receive';
import { AdmittedConnections } from './connections';
import { HANDSHAKE_MS, presentedCertificate, TlsListener } from './tlsListener';

/** CONNACK return codes, MQTT 3.1.1 §3.2.2.3. */
const CONNACK = { identifierRejected: 2, unavailable: 3, notAuthorised: 5 } as const;

export interface DeviceBrokerOptions extends DeviceAccessParts {
  host: string;
  port: number;
  /** PEM. */
  certificate: string;
  privateKey: string;
}

/**
 * Makes the core's own broker, once its other parts are there, with the certificate that `listen` names.
 * Throws when a file cannot be read, before the core has begun anything.
 */
export async function prepareDeviceBroker(
  listen: ListenSettings,
): Promise<(parts: DeviceAccessParts) => Promise<DeviceBroker>> {
  const [certificate = '', privateKey = ''] = await Promise.all(
    [listen.certificate, listen.privateKey].map((file) => readFile(file, 'utf8')),
  );
  return (parts) => DeviceBroker.open({ ...listen, certificate, privateKey, ...parts });
}

/**
 * The core's own MQTT broker, in the core's process: a message of a device reaches the edge system
 * functions straight from aedes' publish hook, without a subscription or a second connection.
 */
export class DeviceBroker implements DeviceAccess {
  readonly devices: Devices;
  private readonly connections: AdmittedConnections;
  private readonly aedes: Aedes;
  private readonly listener: TlsListener;
  private handlers: DeviceMessageHandlers | undefined;

  /** Messages to devices can be sent from here on; devices can connect after `listen`. */
  static async open(options: DeviceBrokerOptions): Promise<DeviceBroker> {
    const broker = new DeviceBroker(options);
    await broker.aedes.listen();
    return broker;
  }

  private constructor(private readonly options: DeviceBrokerOptions) {
    const { log, devicePrefix } = options;
    this.connections = new AdmittedConnections(devicePrefix);
    this.aedes = new Aedes({
      connectTimeout: HANDSHAKE_MS,
      drainTimeout: HANDSHAKE_MS,
      // Half-open QoS 2 handshakes, which are refused but must be answered.
      maxInflightInbound: 8,
      maxClientsIdLength: 128,
      ...this.hooks(),
    });
    this.watchClients();
    this.listener = new TlsListener(options, log, (socket) => this.aedes.handle(socket));
    this.devices = {
      reply: (device, kind, message) => {
        if (repliesSeam.hasSubscribers) repliesSeam.publish({ device, kind, message });
        this.connections.send(device, kind, JSON.stringify(message));
      },
      announce: (status) => this.announce(status),
      share: (topic, payload) => this.connections.share(topic, payload),
      enforceAdmission: () => this.enforceAdmission(),
    };
  }

  certificateOf(device: string): string | undefined {
    return this.connections.certificateOf(device);
  }

  async listen(handlers: DeviceMessageHandlers): Promise<number> {
    this.handlers = handlers;
    return this.listener.listen(this.options.host, this.options.port);
  }

  async close(): Promise<void> {
    await this.listener.end();
    await new Promise<void>((resolve) => this.aedes.close(() => resolve()));
    await this.listener.closed;
  }

  private hooks(): AedesOptions {
    const { log } = this.options;
    return {
      preConnect: (_client, packet, done) => {
        // A will is a publish that nobody could refuse any more.
        delete packet.will;
        // A session that outlives its connection would keep whatever the device ever asked to subscribe to.
        packet.clean = true;
        done(null, true);
      },
      authenticate: (client, _username, _password, done) => {
        this.admit(client).then(
          () => done(null, true),
          (error: unknown) => done(asConnack(error, client, log), false),
        );
      },
      authorizePublish: (client, packet, done) => {
        if (client !== null) this.receive(client, packet);
        done(null);
      },
      authorizeSubscribe: (client, subscription, done) => {
        const allowed = this.connections.subscribe(client, subscription.topic);
        if (!allowed) log.info({ device: client.id, topic: subscription.topic }, 'subscription refused');
        done(null, allowed ? subscription : null);
      },
    };
  }

  private watchClients(): void {
    const { aedes, connections } = this;
    const { log } = this.options;
    aedes.on('clientReady', (client) => {
      const connection = connections.ready(client);
      log.info({ device: connection?.device }, 'device connected');
    });
    aedes.on('clientDisconnect', (client) => {
      connections.remove(client);
      log.info({ device: client.id }, 'device disconnected');
    });
    aedes.on('unsubscribe', (filters, client) => connections.unsubscribe(client, filters));
    aedes.on('clientError', (client, err) =>
      log.info({ device: client.id, reason: err.message }, 'device dropped'),
    );
    aedes.on('connectionError', (_client, err) => log.info({ reason: err.message }, 'connection refused'));
  }

  private async admit(client: Client): Promise<void> {
    const certificate = presentedCertificate(client.conn as TLSSocket);
    if (certificate === undefined) throw new EdgeError('UNKNOWN_DEVICE', 'no client certificate');
    const thingName = await this.options.admission.identify(certificate);
    if (client.id !== thingName) throw new WrongClientId();
    this.connections.add(client, thingName, certificate);
  }

  private receive(client: Client, packet: PublishPacket): void {
    const connection = this.connections.of(client);
    const { topic: topicName, qos } = packet;
    const payload = packet.payload as Buffer;
    const topic = connection && this.connections.ownTopic(connection, topicName);
    packet.retain = false;
    if (topic === undefined || payload.length > MAX_MQTT_PAYLOAD) sink(packet);
    if (connection === undefined || this.handlers === undefined) return;
    const { device } = connection;
    receiveMessage({ device, topic, topicName, qos, payload }, this.handlers, this.devices);
  }

  private announce(status: EdgeStatusMessage): void {
    const topic = statusTopic(this.options.devicePrefix);
    const payload = JSON.stringify(status);
    this.aedes.publish({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: true }, () => undefined);
  }

  private enforceAdmission(): void {
    const { admission, log } = this.options;
    for (const { device, certificate, client } of this.connections.all()) {
      const refusal = admission.refusalOf(device, certificate);
      if (refusal === undefined) continue;
      log.info({ device, code: refusal.code }, 'device no longer admitted');
      client.close();
    }
  }
}

class WrongClientId extends EdgeError {
  constructor() {
    super('UNKNOWN_DEVICE', 'the client id is not the thing name of the certificate');
  }
}

/**
 * aedes ends the connection of a publisher that its hook refuses. A device with one wrong topic would
 * then reconnect for ever and never learn why, so the message goes where nobody listens, the device
 * gets a coded failure and, at QoS 1, its acknowledgement, and stays connected.
 */
function sink(packet: PublishPacket): void {
  packet.topic = '$refused';
  packet.payload = Buffer.alloc(0);
}

function asConnack(error: unknown, client: Client, log: Logger): AuthenticateError {
  const { code, message } = EdgeError.from(error);
  log.info({ clientId: client.id, code, reason: message }, 'connection refused');
  const returnCode =
    error instanceof WrongClientId
      ? CONNACK.identifierRejected
      : code === 'CLOUD_UNREACHABLE'
        ? CONNACK.unavailable
        : CONNACK.notAuthorised;
  // aedes declares its codes as a constant enum, of whose members a bundler knows nothing.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
  return Object.assign(new Error(message), { returnCode });
}
