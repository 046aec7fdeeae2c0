import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Logger } from 'pino';
import type { SignedRequest } from './context';

/** A whole request; `socket` is a TLSSocket when the server has `tls` (client certificates are on it). */
export type HttpRequest = SignedRequest & { socket: Socket };

/** A header's value; of one that came several times, all of them with commas. */
export function headerValue({ headers }: Pick<SignedRequest, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

export interface HttpResponse {
  status: number;
  headers?: Record<string, string | number | string[]>;
  body?: Buffer | string;
}

export interface ListenOptions {
  host: string;
  /** Left out or 0: a free one. */
  port?: number;
  tls?: https.ServerOptions;
  /** Bytes of a request body; more is answered 413. 256 MiB unless told. */
  maxBodyBytes?: number;
  /** How long `close()` lets requests in flight finish, in milliseconds. 1,000 unless told. */
  closeGraceMs?: number;
  /** Renders its own errors; one that it throws is answered 500 and logged. */
  handle(request: HttpRequest): Promise<HttpResponse>;
  log: Logger;
}

export interface HttpServer {
  url: string;
  port: number;
  /** Takes no new requests, lets those in flight finish for a moment, then ends every connection. */
  close(): Promise<void>;
}

const DEFAULT_MAX_BODY_BYTES = 256 * 1024 * 1024;
const DEFAULT_CLOSE_GRACE_MS = 1_000;
/** Longer than the pause between two requests of a client that keeps its connection. */
const KEEP_ALIVE_MS = 65_000;

/** Listens on `host` and hands whole requests to `handle`. Rejects when the port is taken. */
export async function listen(options: ListenOptions): Promise<HttpServer> {
  const answer = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    void respond(options, request, response).finally(() => {
      if (!server.listening) server.closeIdleConnections();
    });
  };
  const server =
    options.tls === undefined ? http.createServer(answer) : https.createServer(options.tls, answer);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  // A request may take as long as the longest function runs.
  server.requestTimeout = 0;
  const sockets = trackSockets(server);
  await listening(server, options);
  const { port } = server.address() as AddressInfo;
  const scheme = options.tls === undefined ? 'http' : 'https';
  let closed: Promise<void> | undefined;
  return {
    url: `${scheme}://${options.host}:${port}`,
    port,
    close: () => (closed ??= closeServer(server, sockets, options.closeGraceMs ?? DEFAULT_CLOSE_GRACE_MS)),
  };
}

/** Raw sockets, because a TLS handshake under way belongs to no HTTP connection yet. */
function trackSockets(server: http.Server | https.Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

function listening(server: http.Server | https.Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host, () => {
      server.off('error', reject);
      server.on('error', (error) => options.log.error({ err: error }, 'http server failed'));
      resolve();
    });
  });
}

async function respond(
  options: ListenOptions,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  try {
    const body = await readBody(request, options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES);
    if (body === undefined) {
      await write(response, { status: 413, headers: { connection: 'close' } });
      request.destroy();
      return;
    }
    const { method = 'GET', url = '/', headers, socket } = request;
    await write(response, await options.handle({ method, url, headers, body, socket }));
  } catch (error) {
    // A client that went away is no fault of the service.
    if (request.destroyed && !request.complete) return;
    options.log.error({ err: error, method: request.method, url: pathOf(request.url) }, 'request failed');
    if (!response.headersSent) await write(response, { status: 500 });
    else response.destroy();
  }
}

/** Undefined when the body is over the limit. */
async function readBody(request: http.IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  if (Number(request.headers['content-length'] ?? 0) > limit) return undefined;
  // The connection has to live on for the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function write(response: http.ServerResponse, { status, headers = {}, body }: HttpResponse): Promise<void> {
  const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const bare = status === 204 || status === 304;
  response.writeHead(status, {
    ...(bare || named.has('content-length') ? {} : { 'content-length': Buffer.byteLength(body ?? '') }),
    ...headers,
  });
  return new Promise((resolve) => {
    response.once('close', resolve);
    response.end(bare ? undefined : body, () => resolve());
  });
}

/** Without the query: a presigned one holds a signature. */
function pathOf(url: string | undefined): string {
  return (url ?? '').split('?', 1)[0] ?? '';
}

async function closeServer(
  server: http.Server | https.Server,
  sockets: ReadonlySet<Socket>,
  graceMs: number,
): Promise<void> {
  // Ends idle connections, too.
  const ended = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await ended;
  clearTimeout(timer);
  // A TLS server is closed before its raw sockets are.
  for (const socket of sockets) socket.destroy();
}
