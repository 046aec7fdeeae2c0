import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { pause } from '../../../lib/timeLimit';
import { certificateIdOf } from '../../../lib/x509/certificateId';
import type { PresentedCertificate } from '../admission';
import { guardPackets } from './packetGuard';

export const HANDSHAKE_MS = 10_000;
const CLOSE_MS = 500;

/** Where devices connect: mutual TLS, and nothing on a connection that is larger than MQTT may make it. */
export class TlsListener {
  private readonly server: Server;
  private readonly sockets = new Set<TLSSocket>();
  /** After `end`: resolves when nothing is open any more. */
  closed = Promise.resolve();

  /** `certificate` and `privateKey` are PEM. */
  constructor(
    { certificate, privateKey }: { certificate: string; privateKey: string },
    private readonly log: Logger,
    onConnection: (socket: TLSSocket) => void,
  ) {
    const options = {
      cert: certificate,
      key: privateKey,
      requestCert: true,
      // Who may connect is decided by the certificate's id; possession of its key TLS has proved.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2' as const,
      handshakeTimeout: HANDSHAKE_MS,
      noDelay: true,
      // A resumed session would present the certificate of an earlier handshake.
      secureOptions: constants.SSL_OP_NO_TICKET,
    };
    this.server = createServer(options, (socket) => {
      socket.setNoDelay(true);
      if (socket.isSessionReused()) {
        socket.destroy();
        return;
      }
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      guardPackets(socket);
      onConnection(socket);
    });
    this.server.on('tlsClientError', (err) => log.debug({ reason: err.message }, 'TLS handshake failed'));
  }

  /** The port. Throws when it cannot be listened to. */
  async listen(host: string, port: number): Promise<number> {
    this.server.listen(port, host);
    await once(this.server, 'listening');
    this.server.on('error', (err) => this.log.error({ err }, 'listener failed'));
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends each connection after what was written to it, the announcement of the stop included. */
  async end(): Promise<void> {
    this.closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    await Promise.race([this.endAll(), pause(CLOSE_MS)]);
    for (const socket of this.sockets) socket.destroy();
  }

  private async endAll(): Promise<void> {
    // Deliveries are written in the next turn of the event loop.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    await Promise.all(
      [...this.sockets].map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.once('close', () => resolve());
            socket.end();
          }),
      ),
    );
  }
}

/** Undefined when the client presented none. */
export function presentedCertificate(socket: TLSSocket): PresentedCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  return {
    id: certificateIdOf(certificate.raw),
    validFrom: Date.parse(certificate.validFrom),
    validTo: Date.parse(certificate.validTo),
  };
}
