import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { EdgeError } from '../protocol/errors';
import type { DeviceCredentials } from './identity';
import type { Candidate } from './link';

/** More is no discovery document. */
const MAX_ANSWER_BYTES = 1024 * 1024;

export interface DiscoveryServer {
  host: string;
  port: number;
  /** PEM; absent: the system's authorities. */
  ca?: string;
}

/**
 * Greengrass discovery: `GET /greengrass/discover/thing/<name>` over mutual TLS. All addresses of all
 * cores that the device may use, in the order of the answer. Written on node:https because the SDK's
 * DiscoveryClient aborts the process on a 404 with an empty body and cannot use another port.
 *
 * Throws EDGE_NOT_FOUND (no such thing, no core, no server, or an unreadable answer) and UNKNOWN_DEVICE
 * (the server refused the certificate, 401 or 403).
 */
export async function discover(
  server: DiscoveryServer,
  identity: DeviceCredentials,
  signal: AbortSignal,
): Promise<Candidate[]> {
  const { status, body } = await get(server, identity, signal);
  if (status === 401 || status === 403) {
    throw new EdgeError('UNKNOWN_DEVICE', `discovery refused the certificate of ${identity.thingName}`, {
      details: { status },
    });
  }
  if (status !== 200) throw notFound(`discovery answered with status ${status}`, { status });
  const candidates = candidatesOf(parse(body));
  if (candidates.length === 0) throw notFound('discovery named no address of any edge core');
  return candidates;
}

/** The addresses in a discovery document. Its keys are written differently by different servers. */
export function candidatesOf(document: unknown): Candidate[] {
  return list(document, 'gggroups').flatMap((group) => {
    const ca = list(group, 'cas').filter(isString).join('\n');
    return list(group, 'cores')
      .flatMap((core) => list(core, 'connectivity'))
      .flatMap((entry) => {
        const host = field(entry, 'hostaddress');
        const port = Number(field(entry, 'portnumber'));
        const usable = isString(host) && host !== '' && Number.isInteger(port) && port > 0 && port < 65_536;
        return usable ? [{ host, port, ...(ca === '' ? {} : { ca }) }] : [];
      });
  });
}

function get(
  server: DiscoveryServer,
  identity: DeviceCredentials,
  signal: AbortSignal,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: server.host,
      port: server.port,
      path: `/greengrass/discover/thing/${encodeURIComponent(identity.thingName)}`,
      cert: identity.certificate,
      key: identity.privateKey,
      ...(server.ca === undefined ? {} : { ca: server.ca }),
      // A pooled connection would keep the process alive, and would hide a certificate that was replaced.
      agent: false,
      headers: { accept: 'application/json' },
      signal,
    });
    const fail = (error: Error): void => {
      if (signal.aborted) reject(signal.reason as Error);
      else if (error instanceof EdgeError) reject(error);
      else reject(notFound(`no answer from discovery: ${error.message}`, { host: server.host }, error));
    };
    outgoing.on('response', (response) => {
      readBody(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), fail);
    });
    outgoing.on('error', fail);
    outgoing.end();
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += (chunk as Buffer).length;
    if (length > MAX_ANSWER_BYTES) throw notFound('discovery answered with more than 1 MB');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (error) {
    throw notFound('discovery answered with something that is not JSON', {}, error);
  }
}

function notFound(message: string, details: Record<string, unknown> = {}, cause?: unknown): EdgeError {
  return new EdgeError('EDGE_NOT_FOUND', message, { details, cause });
}

function field(value: unknown, lowerCaseName: string): unknown {
  if (value === null || typeof value !== 'object') return undefined;
  return Object.entries(value).find(([key]) => key.toLowerCase() === lowerCaseName)?.[1];
}

function list(value: unknown, lowerCaseName: string): unknown[] {
  const found = field(value, lowerCaseName);
  return Array.isArray(found) ? (found as unknown[]) : [];
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}
