import type { Logger } from 'pino';
import { AwsError, type Credentials, type Principal, type SignedRequest } from '../../base/context';
import { instantOf, parseQueryString, readAuthorization, type Authorization } from './authorization';
import { headerValue } from '../../base/http';
import { authenticationError } from './authenticationErrors';
import { bodyHash, equalInConstantTime, signatureMatches, UNSIGNED_PAYLOAD } from './signature';

/** Credentials that were handed out, and to whom. */
export interface IssuedSession {
  credentials: Credentials;
  principal: Principal;
}

export interface AuthenticationContext {
  region: string;
  /** Milliseconds since the epoch. */
  now(): number;
  session(accessKeyId: string): IssuedSession | undefined;
  log: Logger;
}

const MAX_SKEW_MS = 15 * 60_000;
const STREAMING_UNSIGNED = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';

/** Verifies a request's signature; answers who signed. Throws AwsError with the service's own code. */
export async function authenticate(
  context: AuthenticationContext,
  request: SignedRequest,
  service: string,
): Promise<Principal> {
  const query = parseQueryString(request.url);
  const authorization = readAuthorization(request, query);
  if (authorization === undefined) throw authenticationError('missing', service);
  requireScope(context, authorization, service);
  requireTime(context.now(), authorization);
  requireSignedHeaders(request, authorization);
  const { credentials, principal } = requireSession(context, authorization);
  if (!(await signatureMatches(request, query, authorization, credentials))) {
    throw authenticationError('mismatch', service);
  }
  requirePayload(context, request, authorization);
  return principal;
}

function requireScope(
  { region }: AuthenticationContext,
  authorization: Authorization,
  service: string,
): void {
  const { longDate, scopeDate } = authorization;
  const wrong =
    authorization.service !== service
      ? `Credential should be scoped to correct service: '${service}'.`
      : authorization.region !== region
        ? `the region '${authorization.region}' is wrong; expecting '${region}'`
        : scopeDate !== longDate.slice(0, 8)
          ? 'Date in Credential scope does not match the date of the request.'
          : undefined;
  if (wrong !== undefined) throw authenticationError('scope', service, wrong);
}

function requireTime(now: number, { form, longDate, expires = 0, service }: Authorization): void {
  const age = now - instantOf(longDate);
  if (form === 'header' && Math.abs(age) > MAX_SKEW_MS) throw authenticationError('skewed', service);
  if (form === 'query' && -age > MAX_SKEW_MS) throw authenticationError('notYet', service);
  if (form === 'query' && age > expires * 1000) throw authenticationError('expired', service);
}

/** Otherwise a header that changes the meaning of the request could be added on the way. */
function requireSignedHeaders(request: SignedRequest, { signedHeaders, service }: Authorization): void {
  const signed = new Set(signedHeaders);
  const unsigned = Object.keys(request.headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.has(name),
  );
  if (unsigned.length > 0) throw authenticationError('unsignedHeaders', service, unsigned.join(', '));
}

function requireSession(context: AuthenticationContext, authorization: Authorization): IssuedSession {
  const { accessKeyId, service, sessionToken = '' } = authorization;
  const session = context.session(accessKeyId);
  if (session === undefined) throw authenticationError('unknownKey', service);
  const { credentials } = session;
  if (!equalInConstantTime(credentials.sessionToken ?? '', sessionToken)) {
    throw authenticationError('token', service);
  }
  if (credentials.expiration !== undefined && Date.parse(credentials.expiration) <= context.now()) {
    throw authenticationError('tokenExpired', service);
  }
  return session;
}

/** The declared hash is covered by the signature; here the body has to agree with it. */
function requirePayload(
  { log }: AuthenticationContext,
  request: SignedRequest,
  { form, service }: Authorization,
): void {
  const declared = headerValue(request, 'x-amz-content-sha256');
  if (declared === undefined) {
    // Other services hash the body into the signature without the header.
    if (form === 'query' || service !== 's3') return;
    throw authenticationError('hashMissing', service);
  }
  if (declared === UNSIGNED_PAYLOAD || declared === STREAMING_UNSIGNED) return;
  if (!/^[0-9a-f]{64}$/.test(declared)) {
    log.warn({ missing: `x-amz-content-sha256: ${declared}` }, 'payload signing is not supported');
    throw new AwsError('NotImplemented', `x-amz-content-sha256 ${declared} is not supported.`, 501);
  }
  if (!equalInConstantTime(declared, bodyHash(request.body))) throw authenticationError('hash', service);
}
