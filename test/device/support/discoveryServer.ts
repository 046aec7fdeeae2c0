import { createServer, type Server } from 'node:https';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TLSSocket, type PeerCertificate } from 'node:tls';
import { certificateIdOf } from '../../../lib/x509/certificateId';
import type { IssuedCertificate } from '../../../lib/x509/issue';

export interface DiscoveryRequest {
  path: string;
  /** Undefined when the client presented no certificate. */
  certificateId: string | undefined;
}

/** A discovery server at the wire: TLS that asks for a client certificate; what it says is scripted. */
export class DiscoveryServer {
  readonly requests: DiscoveryRequest[] = [];
  respond: (response: ServerResponse) => void = (response) => void response.writeHead(404).end();
  readonly #server: Server;

  private constructor(server: IssuedCertificate) {
    const { certificatePem: cert, privateKeyPem: key } = server;
    this.#server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false });
    this.#server.on('request', (request, response) => {
      const { socket } = request;
      if (!(socket instanceof TLSSocket)) throw new Error('not over TLS');
      const { raw } = socket.getPeerCertificate() as Partial<PeerCertificate>;
      const certificateId = raw === undefined ? undefined : certificateIdOf(raw);
      this.requests.push({ path: `${request.method} ${request.url}`, certificateId });
      this.respond(response);
    });
  }

  static async start(server: IssuedCertificate): Promise<DiscoveryServer> {
    const started = new DiscoveryServer(server);
    await new Promise<void>((resolve) => started.#server.listen(0, '127.0.0.1', resolve));
    return started;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  answers(document: unknown): void {
    this.respond = (response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A discovery document as AWS writes it: one core per list of ports, all of one group. */
export function document(ca: string, ...cores: readonly (readonly number[])[]): unknown {
  return {
    GGGroups: [
      {
        GGGroupId: 'group-1',
        Cores: cores.map((ports, index) => ({
          thingArn: `arn:aws:iot:eu-central-1:000000000000:thing/core-${index + 1}`,
          Connectivity: ports.map((port) => ({
            Id: `address-${port}`,
            HostAddress: '127.0.0.1',
            PortNumber: port,
            Metadata: '',
          })),
        })),
        CAs: [ca],
      },
    ],
  };
}
