import { request as httpRequest, Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https';
import type { SecureContext } from 'node:tls';
import { EdgeError } from '../../protocol';

/** HTTP with kept connections, bounded times and bounded answers. */
export interface HttpCall {
  method: string;
  url: URL;
  headers?: Record<string, string>;
  body?: string;
  /** From the start of the request to the last byte of the answer. */
  timeoutMs: number;
  /** The longest pause without a byte, where it is shorter than `timeoutMs`. */
  idleMs?: number;
  /** Largest answer in bytes. */
  maxBytes: number;
  /** Send once more when a kept connection turns out to be closed. */
  repeatable: boolean;
}

export interface ServerAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export interface HttpClient {
  /** Throws CLOUD_UNREACHABLE (details.timedOut when it took too long), CLOUD_ERROR for too much. */
  send: (request: HttpCall) => Promise<ServerAnswer>;
  close: () => void;
}

/** `tls`: authority and, for mutual TLS, certificate; read once for all connections. */
export function createHttpClient(tls?: SecureContext): HttpClient {
  const options = { keepAlive: true, noDelay: true, maxSockets: 64 };
  const http = new HttpAgent(options);
  const https = new HttpsAgent({ ...options, ...(tls && { secureContext: tls }) });
  const send = (request: HttpCall) => sendOnce(request, request.url.protocol === 'http:' ? http : https);
  return {
    async send(request) {
      try {
        return await send(request);
      } catch (error) {
        if (!(request.repeatable && error instanceof StaleConnection)) throw error;
        return send(request);
      }
    },
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

/** The server had closed the kept connection before the request reached it. */
class StaleConnection extends EdgeError {}

function sendOnce(request: HttpCall, agent: HttpAgent | HttpsAgent): Promise<ServerAnswer> {
  return new Promise((resolve, reject) => {
    const { method, url, timeoutMs } = request;
    const open = agent instanceof HttpsAgent ? httpsRequest : httpRequest;
    const outgoing = open(url, { method, agent, headers: request.headers ?? {} });
    const stop = (error: EdgeError) => {
      clearTimeout(timer);
      reject(error);
      outgoing.destroy();
    };
    const tooLong = () => stop(unreachable(url, `no answer within ${timeoutMs} ms`, { timedOut: true }));
    const timer = setTimeout(tooLong, timeoutMs);
    if (request.idleMs !== undefined) outgoing.setTimeout(request.idleMs, tooLong);
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const stale = outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      stop(stale ? new StaleConnection('CLOUD_UNREACHABLE', error.message) : unreachable(url, error.message));
    });
    outgoing.on('response', (response) => {
      readBody(response, request.maxBytes).then((body) => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      }, stop);
    });
    outgoing.end(request.body);
  });
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new EdgeError('CLOUD_ERROR', `the answer is over ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw EdgeError.from(error, 'CLOUD_UNREACHABLE');
  }
  return Buffer.concat(chunks, bytes);
}

/** Names the host only: a presigned URL is a secret. */
function unreachable(url: URL, reason: string, details: Record<string, unknown> = {}): EdgeError {
  return new EdgeError('CLOUD_UNREACHABLE', `${url.host}: ${reason}`, {
    details: { host: url.host, ...details },
  });
}
