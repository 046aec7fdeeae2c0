import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import { listen, type HttpRequest, type HttpResponse } from '../../base/http';
import type { DeviceEndpoint } from './deviceEndpoint';

/** Credentials of the core's role, as the AWS SDK takes them. */
export interface RoleCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expiration: Date;
}

const answerSchema = z.object({
  credentials: z.object({
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    sessionToken: z.string(),
    expiration: z.string().transform((text) => new Date(text)),
  }),
});

const TIMEOUT_MS = 5_000;
/** Credentials are fetched anew so long before they expire; of short-lived ones, after half of their life. */
const AHEAD_MS = 5 * 60_000;

/**
 * Gives the credentials of the token exchange role from the IoT credentials provider, and keeps them. Whoever
 * asks at the same time shares one request. Rejects when the provider does not give any.
 */
export function roleCredentials(endpoint: DeviceEndpoint, roleAlias: string): () => Promise<RoleCredentials> {
  let kept: Promise<RoleCredentials> | undefined;
  let renewAt = Infinity;

  async function request(): Promise<RoleCredentials> {
    const path = `/role-aliases/${encodeURIComponent(roleAlias)}/credentials`;
    const { status, text } = await endpoint.send('GET', path, TIMEOUT_MS);
    if (status !== 200) throw new Error(`the credentials provider answered ${status}`);
    const { credentials } = answerSchema.parse(JSON.parse(text));
    const expiresAt = credentials.expiration.getTime();
    renewAt = Math.max(expiresAt - AHEAD_MS, (Date.now() + expiresAt) / 2);
    return credentials;
  }

  return () => {
    if (kept !== undefined && Date.now() < renewAt) return kept;
    renewAt = Infinity;
    const asked = request();
    asked.catch(() => (kept = undefined));
    return (kept = asked);
  };
}

/** The secrets (SVCUID) by which components show who they are; the same as long as the nucleus lives. */
export class ComponentTokens {
  readonly #owners = new Map<string, string>();

  of(component: string): string {
    for (const [token, owner] of this.#owners) if (owner === component) return token;
    const token = randomBytes(16).toString('hex').toUpperCase();
    this.#owners.set(token, component);
    return token;
  }

  ownerOf(token: string): string | undefined {
    return this.#owners.get(token);
  }
}

export interface TokenExchange {
  /** `AWS_CONTAINER_CREDENTIALS_FULL_URI`; with `localhost`, as on a real core. */
  readonly url: string;
  close: () => Promise<void>;
}

const PATH = '/2016-11-01/credentialprovider/';

/**
 * The token exchange service: gives components the credentials of the core's role, in the form that the
 * AWS SDK expects of a container's provider. A component shows its SVCUID as the authorisation token.
 */
export async function startTokenExchange(
  credentials: () => Promise<RoleCredentials>,
  tokens: ComponentTokens,
  log: Logger,
): Promise<TokenExchange> {
  async function answer({ method, url, headers }: HttpRequest): Promise<HttpResponse> {
    if (method !== 'GET') return plain(405, 'Only GET is supported');
    if (new URL(url, 'http://localhost').pathname !== PATH) return plain(400, 'Unknown path');
    if (tokens.ownerOf(headers['authorization'] as string) === undefined) {
      return plain(403, 'The token is not one of a component');
    }
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await credentials();
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
      return plain(500, 'Failed to get credentials');
    }
  }

  const server = await listen({ host: '127.0.0.1', log, handle: answer });
  return { url: `http://localhost:${server.port}${PATH}`, close: () => server.close() };
}

function plain(status: number, body: string): HttpResponse {
  return { status, headers: { 'content-type': 'text/plain' }, body };
}
