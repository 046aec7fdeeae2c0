import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials } from '../../../../local/base/context';
import { REGION } from '../lambda/support';

export interface Call {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Signs with these; unsigned without. */
  credentials?: Credentials;
  service?: string;
  /** Sent in place of what was signed. */
  tamperedBody?: string;
}

/** `fetch`, signed with SigV4 as a client of an HTTP API does. */
export async function call(url: string, options: Call = {}): Promise<Response> {
  const { method = 'GET', body, credentials, service = 'execute-api', tamperedBody } = options;
  const { host, hostname, port, protocol, pathname, searchParams } = new URL(url);
  let headers: Record<string, string> = { ...options.headers };
  if (credentials !== undefined) {
    const { expiration: _text, ...rest } = credentials;
    const signer = new SignatureV4({ service, region: REGION, credentials: rest, sha256: Sha256 });
    const query: Record<string, string | string[]> = {};
    for (const name of searchParams.keys()) query[name] = searchParams.getAll(name);
    const signed = await signer.sign({
      method,
      protocol,
      hostname,
      port: Number(port),
      path: pathname,
      query,
      headers: { ...headers, host },
      ...(body !== undefined && { body }),
    });
    const { host: _sentByFetch, ...sent } = signed.headers;
    headers = sent;
  }
  const payload = tamperedBody ?? body;
  return fetch(url, { method, headers, ...(payload !== undefined && { body: payload }) });
}
