import { z } from 'zod';
import { EdgeError, parseJsonWith } from '../../protocol';
import type { Clock } from '../../lib/clock';
import type { ServerAnswer, HttpClient } from './http';

/** Of the core's role. */
interface CoreCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expiration: Date;
}

export interface CredentialsProvider {
  /** Throws CLOUD_UNREACHABLE or CORE_NOT_AUTHORISED. */
  get: () => Promise<CoreCredentials>;
  /** They were refused as expired: the next `get` fetches new ones. */
  invalidate: () => void;
}

const REFRESH_AHEAD_MS = 5 * 60_000;
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;

/** Keeps credentials until shortly before they expire; all who ask at once share one fetch. */
function cachedCredentials(
  fetchCredentials: () => Promise<CoreCredentials>,
  clock: Clock,
): CredentialsProvider {
  let current: CoreCredentials | undefined;
  let refreshAt = 0;
  let flight: Promise<CoreCredentials> | undefined;

  async function fetchAndKeep(): Promise<CoreCredentials> {
    const fetched = await fetchCredentials();
    const left = fetched.expiration.getTime() - clock.now();
    refreshAt = clock.now() + Math.max(left - REFRESH_AHEAD_MS, left / 2);
    current = fetched;
    return fetched;
  }

  function refresh(): Promise<CoreCredentials> {
    flight ??= fetchAndKeep().finally(() => (flight = undefined));
    return flight;
  }

  return {
    async get() {
      if (current === undefined || current.expiration.getTime() <= clock.now()) return refresh();
      // Those at hand are good for a while yet; nobody waits for the new ones.
      if (clock.now() >= refreshAt) refresh().catch(() => undefined);
      return current;
    },
    invalidate() {
      current = undefined;
    },
  };
}

function get(http: HttpClient, url: URL, headers: Record<string, string>): Promise<ServerAnswer> {
  return http.send({
    method: 'GET',
    url,
    headers,
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
    repeatable: true,
  });
}

const providerSchema = z.object({
  credentials: z.object({
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    sessionToken: z.string(),
    expiration: z.string(),
  }),
});

/**
 * Credentials from the IoT credentials provider, which knows the core by its certificate (mutual TLS):
 * https://docs.aws.amazon.com/iot/latest/developerguide/authorizing-direct-aws.html
 */
export function createCredentialsProvider(options: {
  core: string;
  credentialsUrl: string;
  roleAlias: string;
  /** With the core's certificate. */
  http: HttpClient;
  clock: Clock;
}): CredentialsProvider {
  const { http, clock, core } = options;
  const base = options.credentialsUrl.replace(/\/$/, '');
  const url = new URL(`${base}/role-aliases/${encodeURIComponent(options.roleAlias)}/credentials`);

  return cachedCredentials(async () => {
    const { status, body } = await get(http, url, { 'x-amzn-iot-thingname': core });
    if (status === 401 || status === 403) {
      throw new EdgeError(
        'CORE_NOT_AUTHORISED',
        'the credentials provider refused the certificate of this core',
      );
    }
    if (status !== 200) throw new EdgeError('CLOUD_ERROR', `the credentials provider answered ${status}`);
    const { credentials } = parseJsonWith(providerSchema, body, 'credentials', 'CLOUD_ERROR');
    return { ...credentials, expiration: new Date(credentials.expiration) };
  }, clock);
}

const exchangeSchema = z.object({
  AccessKeyId: z.string(),
  SecretAccessKey: z.string(),
  Token: z.string(),
  Expiration: z.string(),
});

/**
 * Credentials from the token exchange of a Greengrass core, as every AWS SDK finds them in a container: the
 * address and a token in the environment. The address names localhost, which on some cores resolves to an
 * address on which nobody listens.
 */
export function createTokenExchange(options: {
  variables: Readonly<Record<string, string | undefined>>;
  http: HttpClient;
  clock: Clock;
}): CredentialsProvider {
  const { variables, http, clock } = options;

  return cachedCredentials(async () => {
    const address = variables['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
    if (!address)
      throw new EdgeError('CORE_NOT_AUTHORISED', 'the Greengrass core has no role for its components');
    const url = new URL(address);
    if (url.hostname === 'localhost') url.hostname = '127.0.0.1';
    const token = variables['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
    const { status, body } = await get(http, url, token ? { authorization: token } : {});
    if (status !== 200) {
      // It answers for the credentials provider: 5xx when it cannot reach that.
      const code = status >= 500 ? 'CLOUD_UNREACHABLE' : 'CLOUD_ERROR';
      throw new EdgeError(code, `the core's token exchange answered ${status}`);
    }
    const answer = parseJsonWith(exchangeSchema, body, 'credentials', 'CLOUD_ERROR');
    return {
      accessKeyId: answer.AccessKeyId,
      secretAccessKey: answer.SecretAccessKey,
      sessionToken: answer.Token,
      expiration: new Date(answer.Expiration),
    };
  }, clock);
}
