import { z } from 'zod';
import { EdgeError, parseJsonWith } from '../../protocol';
import type { Clock } from '../../lib/clock';
import { cachedCredentials, type CredentialsProvider } from './credentials';
import type { HttpClient } from './http';

const responseSchema = z.object({
  AccessKeyId: z.string(),
  SecretAccessKey: z.string(),
  Token: z.string(),
  Expiration: z.string(),
});

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;

/**
 * Credentials of the role of a Greengrass core from its token exchange, as every AWS SDK finds them in a
 * container: the address and a token in the environment. The address names localhost, which on some
 * cores resolves to an address on which nobody listens.
 */
export function createTokenExchange(options: {
  variables: Readonly<Record<string, string | undefined>>;
  http: HttpClient;
  clock: Clock;
}): CredentialsProvider {
  const { variables, http, clock } = options;
  async function fetchCredentials() {
    const address = variables['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
    if (!address)
      throw new EdgeError('CORE_NOT_AUTHORISED', 'the Greengrass core has no role for its components');
    const url = new URL(address);
    if (url.hostname === 'localhost') url.hostname = '127.0.0.1';
    const token = variables['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
    const { status, body } = await http.send({
      method: 'GET',
      url,
      headers: token ? { authorization: token } : {},
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      repeatable: true,
    });
    if (status !== 200) {
      // It answers for the credentials provider: 5xx when it cannot reach that.
      const code = status >= 500 ? 'CLOUD_UNREACHABLE' : 'CLOUD_ERROR';
      throw new EdgeError(code, `the core's token exchange answered ${status}`);
    }
    const answer = parseJsonWith(responseSchema, body, 'credentials', 'CLOUD_ERROR');
    return {
      accessKeyId: answer.AccessKeyId,
      secretAccessKey: answer.SecretAccessKey,
      sessionToken: answer.Token,
      expiration: new Date(answer.Expiration),
    };
  }

  return cachedCredentials(fetchCredentials, clock);
}
