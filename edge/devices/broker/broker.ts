import { pause } from '../../../lib/timeLimit';
import { constants } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from 'aedes';
import type { Logger } from 'pino';
import { EdgeError, MAX_MQTT_PAYLOAD, statusTopic, type EdgeStatus } from '../../../protocol';
import type { DeviceAccess, DeviceAccessParts } from '../deviceAccess';
import type { Devices } from '../../ports';
import { presentedCertificate } from './certificate';
import { Connections } from './connections';
import { guardPackets } from './packetGuard';
import { receiveMessage, type DeviceMessageHandlers } from './receive';

/**
 * The core's own MQTT broker, in the core's process: a message of a device reaches the edge system
 * functions straight from aedes' publish hook, without a subscription or a second connection.
 */
export interface BrokerOptions extends DeviceAccessParts {
  host: string;
  port: number;
  /** PEM. */
  certificate: string;
  privateKey: string;
}

export interface Broker extends DeviceAccess {
  listen(handlers: DeviceMessageHandlers): Promise<number>;
}

/** CONNACK return codes, MQTT 3.1.1 §3.2.2.3. */
const CONNACK = { identifierRejected: 2, unavailable: 3, notAuthorised: 5 } as const;
const HANDSHAKE_MS = 10_000;
const CLOSE_MS = 500;

/** Messages to devices can be sent from here on; devices can connect after `listen`. */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  const { admission, devicePrefix, log } = options;
  const connections = new Connections(devicePrefix);
  const sockets = new Set<TLSSocket>();
  let handlers: DeviceMessageHandlers | undefined;

  const aedes = new Aedes({
    connectTimeout: HANDSHAKE_MS,
    drainTimeout: HANDSHAKE_MS,
    // Half-open QoS 2 handshakes, which are refused but must be answered.
    maxInflightInbound: 8,
    maxClientsIdLength: 128,
    preConnect: (_client, packet, done) => {
      // A will is a publish that nobody could refuse any more.
      delete packet.will;
      // A session that outlives its connection would keep whatever the device ever asked to subscribe to.
      packet.clean = true;
      done(null, true);
    },
    authenticate: (client, _username, _password, done) => {
      admit(client).then(
        () => done(null, true),
        (error: unknown) => done(asConnack(error, client, log), false),
      );
    },
    authorizePublish: (client, packet, done) => {
      if (client !== null) receive(client, packet);
      done(null);
    },
    authorizeSubscribe: (client, subscription, done) => {
      const allowed = connections.subscribe(client, subscription.topic);
      if (!allowed) log.info({ device: client.id, topic: subscription.topic }, 'subscription refused');
      done(null, allowed ? subscription : null);
    },
  });
  await aedes.listen();
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

  const server = createServer(
    {
      cert: options.certificate,
      key: options.privateKey,
      requestCert: true,
      // Who may connect is decided by the certificate's id; possession of its key TLS has proved.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_MS,
      noDelay: true,
      // A resumed session would present the certificate of an earlier handshake.
      secureOptions: constants.SSL_OP_NO_TICKET,
    },
    (socket) => {
      socket.setNoDelay(true);
      if (socket.isSessionReused()) return void socket.destroy();
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      guardPackets(socket);
      aedes.handle(socket);
    },
  );
  server.on('tlsClientError', (err) => log.debug({ reason: err.message }, 'TLS handshake failed'));

  async function admit(client: Client): Promise<void> {
    const certificate = presentedCertificate(client.conn as TLSSocket);
    if (certificate === undefined) throw new EdgeError('UNKNOWN_DEVICE', 'no client certificate');
    const thingName = await admission.identify(certificate);
    if (client.id !== thingName) throw new WrongClientId();
    connections.add(client, thingName, certificate);
  }

  function receive(client: Client, packet: PublishPacket): void {
    const connection = connections.of(client);
    const { topic: topicName, qos } = packet;
    const payload = packet.payload as Buffer;
    const topic = connection?.policy.publish(topicName);
    packet.retain = false;
    if (topic === undefined || payload.length > MAX_MQTT_PAYLOAD) sink(packet);
    if (connection === undefined || handlers === undefined) return;
    const { device } = connection;
    receiveMessage({ device, topic, topicName, qos, payload }, handlers, devices);
  }

  const devices: Devices = {
    reply(device, kind, message) {
      connections.send(device, kind, JSON.stringify(message));
    },
    announce(status: EdgeStatus) {
      void publish(aedes, statusTopic(devicePrefix), JSON.stringify(status));
    },
    share(topic, payload) {
      connections.share(topic, payload);
    },
    enforceAdmission() {
      for (const { device, certificate, client } of connections.all()) {
        const refusal = admission.refusalOf(device, certificate);
        if (refusal === undefined) continue;
        log.info({ device, code: refusal.code }, 'device no longer admitted');
        client.close();
      }
    },
  };

  return {
    devices,
    certificateOf: (device) => connections.certificateOf(device),
    async listen(to) {
      handlers = to;
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.port, options.host, () => {
          server.off('error', reject);
          resolve();
        });
      });
      server.on('error', (err) => log.error({ err }, 'listener failed'));
      return (server.address() as AddressInfo).port;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Ends each connection after what was written to it, the announcement of the stop included.
      await Promise.race([endAll(sockets), pause(CLOSE_MS)]);
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await closed;
    },
  };
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
  return Object.assign(new Error(message), { returnCode: returnCode as AuthenticateError['returnCode'] });
}

function publish(aedes: Aedes, topic: string, payload: string): Promise<void> {
  return new Promise((resolve) => {
    aedes.publish({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: true }, () => resolve());
  });
}

async function endAll(sockets: ReadonlySet<TLSSocket>): Promise<void> {
  // Deliveries are written in the next turn of the event loop.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  await Promise.all(
    [...sockets].map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.once('close', () => resolve());
          socket.end();
        }),
    ),
  );
}
