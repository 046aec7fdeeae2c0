import { createServer, type Server } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { TestCertificate } from './certificates';

export interface SeenRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** Fingerprint of the client's certificate, if it presented one. */
  fingerprint: string | undefined;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** Never answer. */
  hang?: true;
  /** End the connection instead of answering. */
  cut?: true;
}

/** An HTTPS server that says what the test tells it to. */
export class ScriptedServer {
  readonly seen: SeenRequest[] = [];
  connections = 0;
  answer: (request: SeenRequest) => Answer = () => ({ status: 404 });
  private readonly sockets = new Set<Duplex>();

  private constructor(private readonly server: Server) {}

  static async start({ certificate, privateKey }: TestCertificate): Promise<ScriptedServer> {
    const server = createServer({
      cert: certificate,
      key: privateKey,
      requestCert: true,
      rejectUnauthorized: false,
    });
    const scripted = new ScriptedServer(server);
    server.on('secureConnection', () => (scripted.connections += 1));
    server.on('connection', (socket) => {
      scripted.sockets.add(socket);
      socket.once('close', () => scripted.sockets.delete(socket));
    });
    server.on('request', (request, response) => {
      void scripted.read(request).then((seen) => {
        const { status = 200, headers = {}, body, hang, cut } = scripted.answer(seen);
        if (hang) return;
        if (cut) return request.socket.destroy();
        response.writeHead(status, headers);
        response.end(Buffer.isBuffer(body) || body === undefined ? body : JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return scripted;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Ends the kept connections, as a server does after a while. */
  dropConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.dropConnections();
    await closed;
  }

  private async read(request: IncomingMessage): Promise<SeenRequest> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const seen = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
      fingerprint: (request.socket as unknown as TLSSocket).getPeerX509Certificate()?.fingerprint256,
    };
    this.seen.push(seen);
    return seen;
  }
}
