import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { EdgeError } from '../../../protocol';
import type { NucleusIdentity } from '../config';

/**
 * The cloud's HTTPS endpoint for devices, which knows the core by its certificate. It is a piece of its own
 * and not the edge core's client, so that a fault of that one shows against it.
 */
export interface DeviceEndpoint {
  /** `path` begins with a slash; `timeoutMs` covers the whole exchange. Throws EdgeError CLOUD_UNREACHABLE. */
  send: (
    method: 'GET' | 'POST',
    path: string,
    timeoutMs: number,
    body?: unknown,
  ) => Promise<{ status: number; text: string }>;
}

export function openDeviceEndpoint(
  url: string,
  thingName: string,
  identity: NucleusIdentity,
): DeviceEndpoint {
  const base = url.replace(/\/$/, '');
  const { ca, certificate: cert, privateKey: key } = identity;
  // Requests are rare: a connection for each means none that the cloud has closed meanwhile.
  const agent = new Agent({ ca, cert, key });
  const headers = { 'x-amzn-iot-thingname': thingName, 'content-type': 'application/json' };
  return {
    async send(method, path, timeoutMs, body) {
      const signal = AbortSignal.timeout(timeoutMs);
      const outgoing = request(base + path, { method, agent, headers, signal });
      // Beside the waiting below: what breaks off an answer is also an error of the request.
      outgoing.on('error', () => undefined);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
      try {
        const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
        return { status: answer.statusCode ?? 0, text: await text(answer) };
      } catch (error) {
        throw EdgeError.from(error, 'CLOUD_UNREACHABLE');
      }
    },
  };
}
