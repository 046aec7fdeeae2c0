import { request } from 'node:https';
import type { Device, TestCloud } from './harness';

export interface Answer {
  status: number;
  body: unknown;
}

/** GET with a device's certificate; every call on a connection of its own. */
export function get(
  { iotCore, authority }: TestCloud,
  device: Partial<Device>,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
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
      .end();
  });
}
