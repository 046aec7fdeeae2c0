/**
 * The baseline: an MQTT broker over mutual TLS that answers each message at once from its own process.
 * Nothing an edge does can be quicker than this with the same client, so figures are ratios to it.
 *
 * Usage: node echo.cjs <file with { certificate, privateKey }: paths>
 */
import { readFileSync } from 'node:fs';
import { createServer, type TLSSocket } from 'node:tls';
import { Aedes, type AedesPublishPacket, type Client } from 'aedes';
import { ECHO_ASK, ECHO_REPLY } from './echoTopics';

async function main(): Promise<void> {
  const { certificate, privateKey } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Record<
    string,
    string
  >;
  const broker = await Aedes.createBroker();
  broker.on('publish', (packet: AedesPublishPacket, client: Client | null) => {
    if (client === null || packet.topic !== ECHO_ASK) return;
    broker.publish(
      { cmd: 'publish', topic: ECHO_REPLY, payload: packet.payload, qos: 0, dup: false, retain: false },
      () => undefined,
    );
  });
  const server = createServer(
    {
      cert: readFileSync(certificate ?? ''),
      key: readFileSync(privateKey ?? ''),
      requestCert: true,
      rejectUnauthorized: false,
    },
    (socket: TLSSocket) => {
      socket.setNoDelay(true);
      broker.handle(socket);
    },
  );
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    process.stdout.write(`${JSON.stringify({ event: 'listening', port })}\n`);
  });
}

void main();
