import { request } from 'node:https';
import type { Device, TestCloud } from './harness';

export interface Answer {
  status: number;
  body: unknown;
}

/** GET with a device's certificate; every call on a connection of its own. */
export function get(
  test: TestCloud,
  device: Partial<Device>,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return send(test, device, { method: 'GET', path, headers });
}

/** Names the device's thing, as the nucleus does. */
export function requestOf(
  test: TestCloud,
  device: Device,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<Answer> {
  const headers = { 'x-amzn-iot-thingname': device.thingName };
  return send(test, device, {
    method,
    path,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

function send(
  { iotCore, authority }: TestCloud,
  device: Partial<Device>,
  { method, path, headers, body }: Sent,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      method,
      ca: authority.certificatePem,
      cert: device.certificatePem,
      key: device.privateKeyPem,
      agent: false,
      headers,
    };
    request(iotCore.tlsUrl + path, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) }),
      );
    })
      .on('error', reject)
      .end(body);
  });
}
