import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { Aedes, type AedesPublishPacket, type Client } from 'aedes';
import { deviceTlsOptions, peerCertificateId } from '../deviceTls';
import type { RetainedMessages } from '../retained';
import type { RuleMessage } from '../rules/sql/evaluate';
import type { IotContext } from '../context';
import { brokerHandlers, BrokerConnections } from './handlers';

interface OutgoingMessage {
  topic: string;
  payload: Buffer;
  qos: 0 | 1;
  retain: boolean;
}

export interface IotBroker {
  readonly port: number;
  /** Publishes in the name of the cloud itself (data plane); resolves when it was handed to subscribers. */
  publish: (message: OutgoingMessage) => Promise<void>;
  /** Ends every connection of a certificate. */
  disconnect: (certificateId: string) => void;
  close: () => Promise<void>;
}

export interface IotBrokerOptions {
  retained: RetainedMessages;
  /** Called for each message of a device, after the broker accepted it. */
  onMessage: (message: RuleMessage) => void;
}

/** The MQTT broker: aedes behind mutual TLS, every operation decided by the policies of the certificate. */
export async function startBroker(context: IotContext, options: IotBrokerOptions): Promise<IotBroker> {
  const connections = new BrokerConnections();
  const aedes = await Aedes.createBroker(brokerHandlers(context, connections));
  await restoreRetained(aedes, options.retained);
  aedes.on('publish', (packet, client) => record(packet, client, connections, options));
  // A device that breaks the protocol or goes away is that device's business alone.
  const forLog = (client: Client, error: Error): void =>
    context.log.debug({ err: error, clientId: client.id }, 'MQTT connection ended');
  aedes.on('clientError', forLog);
  aedes.on('connectionError', forLog);
  const server = createServer(await deviceTlsOptions(context.authority));
  server.on('secureConnection', (socket) => accept(socket, aedes, connections, context));
  server.on('tlsClientError', (error) => context.log.debug({ err: error }, 'MQTT handshake failed'));
  const sockets = trackSockets(server);
  const port = await listening(server, context.cloud.host);

  return {
    port,
    publish: (message) => publish(aedes, message),
    disconnect: (certificateId) => connections.disconnect(certificateId),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Only an active certificate gets as far as MQTT. */
function accept(socket: TLSSocket, aedes: Aedes, connections: BrokerConnections, context: IotContext): void {
  // Without it, one side's delayed acknowledgement adds 40 ms to every exchange.
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  const certificateId = peerCertificateId(socket);
  if (certificateId === undefined || !context.registry.certificates.isActive(certificateId)) {
    context.log.warn({ certificateId }, 'refused: not an active, valid certificate of the registry');
    socket.destroy();
    return;
  }
  const client = aedes.handle(socket);
  connections.add(client, certificateId);
  socket.once('close', () => connections.remove(client));
}

async function restoreRetained(aedes: Aedes, retained: RetainedMessages): Promise<void> {
  for (const { topic, payload, qos } of retained.list()) {
    await publish(aedes, { topic, payload: Buffer.from(payload, 'base64'), qos, retain: true });
  }
}

function record(
  packet: AedesPublishPacket,
  client: Client | null,
  connections: BrokerConnections,
  { retained, onMessage }: IotBrokerOptions,
): void {
  // aedes tells itself about clients on $SYS topics.
  if (packet.topic.startsWith('$')) return;
  const payload = Buffer.from(packet.payload);
  if (packet.retain) retained.put(packet.topic, payload, packet.qos === 1 ? 1 : 0);
  if (!client) return;
  const principal = connections.certificateOf(client);
  if (principal === undefined) return;
  onMessage({ topic: packet.topic, payload, principal, clientId: client.id, timestamp: Date.now() });
}

function publish(aedes: Aedes, { topic, payload, qos, retain }: OutgoingMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    aedes.publish({ cmd: 'publish', topic, payload, qos, retain, dup: false }, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

function trackSockets(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

function listening(server: Server, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
