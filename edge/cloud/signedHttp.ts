import { SignatureV4 } from '@smithy/signature-v4';
import type { CredentialsProvider } from './credentials';
import type { HttpClient, HttpRequest, HttpResponse } from './http';
import { NodeSha256 } from './nodeSha256';

/** Sends requests signed with SigV4 for one AWS service. */
export interface SignedHttp {
  send(request: HttpRequest): Promise<HttpResponse>;
}

export function createSignedHttp(options: {
  region: string;
  /** `execute-api`, `greengrass`, … */
  service: string;
  credentials: CredentialsProvider;
  http: HttpClient;
}): SignedHttp {
  const { region, service, credentials, http } = options;
  const signer = new SignatureV4({
    region,
    service,
    sha256: NodeSha256,
    credentials: () => credentials.get(),
  });

  async function sendSigned(request: HttpRequest): Promise<HttpResponse> {
    const { url, method, body } = request;
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...request.headers, host: url.host },
      ...(body === undefined ? {} : { body }),
    });
    return http.send({ ...request, headers: signed.headers });
  }

  return {
    async send(request) {
      const response = await sendSigned(request);
      if (!isExpired(response)) return response;
      credentials.invalidate();
      return sendSigned(request);
    },
  };
}

function isExpired({ status, body }: HttpResponse): boolean {
  return status === 403 && /ExpiredToken|security token .* expired/i.test(body.toString('utf8', 0, 512));
}
