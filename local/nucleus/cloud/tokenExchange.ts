import type { Logger } from 'pino';
import type { CredentialsProvider } from '../../../edge/cloud/credentials';
import { listen, type HttpRequest, type HttpResponse } from '../../base/http';

export interface TokenExchange {
  /** `AWS_CONTAINER_CREDENTIALS_FULL_URI`; with `localhost`, as on a real core. */
  readonly url: string;
  close(): Promise<void>;
}

const PATH = '/2016-11-01/credentialprovider/';

/**
 * The token exchange service: gives components the credentials of the core's role, in the form that the
 * AWS SDK expects of a container's provider. A component shows its SVCUID as the authorisation token.
 */
export async function startTokenExchange(options: {
  credentials: CredentialsProvider;
  isToken(token: string): boolean;
  log: Logger;
}): Promise<TokenExchange> {
  const { credentials, isToken, log } = options;

  async function answer({ method, url, headers }: HttpRequest): Promise<HttpResponse> {
    if (method !== 'GET') return text(405, 'Only GET is supported');
    if (new URL(url, 'http://localhost').pathname !== PATH) return text(400, 'Unknown path');
    if (!isToken(headers['authorization'] as string)) return text(403, 'The token is not one of a component');
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await credentials.get();
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          AccessKeyId: accessKeyId,
          SecretAccessKey: secretAccessKey,
          Token: sessionToken,
          Expiration: expiration.toISOString(),
        }),
      };
    } catch (err) {
      log.warn({ err }, 'no credentials for a component');
      return text(500, 'Failed to get credentials');
    }
  }

  const server = await listen({ host: '127.0.0.1', log, handle: answer });
  return { url: `http://localhost:${server.port}${PATH}`, close: () => server.close() };
}

function text(status: number, body: string): HttpResponse {
  return { status, headers: { 'content-type': 'text/plain' }, body };
}
