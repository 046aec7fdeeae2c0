import { createHash, timingSafeEqual } from 'node:crypto';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials, SignedRequest } from '../../base/context';
import { instantOf, type Authorization, type QueryParameters } from './authorization';
import { headerValue } from '../../base/http';

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

/** The library signs what it composes itself; a verifier has to sign what the client says it signed. */
class Recomputation extends SignatureV4 {
  async signatureOf(
    request: SignedRequest,
    query: QueryParameters,
    authorization: Authorization,
    payloadHash: string,
  ): Promise<string> {
    const { longDate, scopeDate, region, service, signedHeaders } = authorization;
    const path = request.url.split('?', 1)[0] ?? '/';
    const headers = Object.fromEntries(
      signedHeaders.map((name) => [name, normalise(headerValue(request, name) ?? '')]),
    );
    const { method } = request;
    const canonical = this.createCanonicalRequest(
      { method, path, query, headers, protocol: 'http:', hostname: '' },
      headers,
      payloadHash,
    );
    const scope = `${scopeDate}/${region}/${service}/aws4_request`;
    const toSign = await this.createStringToSign(longDate, scope, canonical, 'AWS4-HMAC-SHA256');
    return this.sign(toSign, { signingDate: new Date(instantOf(longDate)) });
  }
}

/**
 * Whether the signature is the one that the secret key gives over exactly the signed headers; compared
 * in constant time. S3 takes the path as it is sent, every other service encodes it once more.
 * Source: AWS Signature Version 4, "Create a signed AWS API request".
 */
export async function signatureMatches(
  request: SignedRequest,
  query: QueryParameters,
  authorization: Authorization,
  { accessKeyId, secretAccessKey }: Credentials,
): Promise<boolean> {
  const { region, service } = authorization;
  const signer = new Recomputation({
    credentials: { accessKeyId, secretAccessKey },
    region,
    service,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
  });
  const payloadHash = signedPayloadHash(request, authorization);
  const expected = await signer.signatureOf(request, query, authorization, payloadHash);
  return equalInConstantTime(expected, authorization.signature);
}

/** Hex SHA-256 of a body. */
export function bodyHash(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}

export function equalInConstantTime(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** What the client declared, if that is signed; whether the body agrees is checked apart. */
function signedPayloadHash(request: SignedRequest, { form, service, signedHeaders }: Authorization): string {
  const declared = headerValue(request, 'x-amz-content-sha256');
  if (declared !== undefined && signedHeaders.includes('x-amz-content-sha256')) return declared;
  return form === 'query' && service === 's3' ? UNSIGNED_PAYLOAD : bodyHash(request.body);
}

function normalise(value: string): string {
  return value.trim().replace(/\s+/g, ' ');
}
