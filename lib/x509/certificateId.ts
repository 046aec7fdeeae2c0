import { createHash, X509Certificate } from 'node:crypto';

/**
 * As AWS IoT names a certificate: the SHA-256 of its DER, 64 lower-case hex digits.
 * Takes PEM text or the DER itself. Throws what `X509Certificate` throws when PEM is not a certificate.
 */
export function certificateIdOf(certificate: string | Uint8Array): string {
  const der = typeof certificate === 'string' ? new X509Certificate(certificate).raw : certificate;
  return createHash('sha256').update(der).digest('hex');
}
