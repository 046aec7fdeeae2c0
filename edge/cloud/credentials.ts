import { z } from 'zod';
import { EdgeError, parseJsonWith } from '../../protocol';
import type { Clock } from '../../lib/clock';
import type { HttpClient } from './http';

/**
 * Credentials of the core's role from the IoT credentials provider, which knows the core by its
 * certificate (mutual TLS): https://docs.aws.amazon.com/iot/latest/developerguide/authorizing-direct-aws.html
 */
export interface CoreCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expiration: Date;
}

export interface CredentialsProvider {
  /** Throws CLOUD_UNREACHABLE or CORE_NOT_AUTHORISED. */
  get(): Promise<CoreCredentials>;
  /** They were refused as expired: the next `get` fetches new ones. */
  invalidate(): void;
}

const responseSchema = z.object({
  credentials: z.object({
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    sessionToken: z.string(),
    expiration: z.string(),
  }),
});

const REFRESH_AHEAD_MS = 5 * 60_000;
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;

/** Keeps credentials until shortly before they expire; all who ask at once share one fetch. */
export function cachedCredentials(
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

  async function fetchCredentials(): Promise<CoreCredentials> {
    const headers = { 'x-amzn-iot-thingname': core };
    const request = {
      method: 'GET',
      url,
      headers,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      repeatable: true,
    };
    const { status, body } = await http.send(request);
    if (status === 401 || status === 403) {
      throw new EdgeError(
        'CORE_NOT_AUTHORISED',
        'the credentials provider refused the certificate of this core',
      );
    }
    if (status !== 200) throw new EdgeError('CLOUD_ERROR', `the credentials provider answered ${status}`);
    const { credentials } = parseJsonWith(responseSchema, body, 'credentials', 'CLOUD_ERROR');
    return { ...credentials, expiration: new Date(credentials.expiration) };
  }

  return cachedCredentials(fetchCredentials, clock);
}
