import type { TLSSocket } from 'node:tls';
import { certificateIdOf } from '../../../lib/x509/certificateId';
import type { PresentedCertificate } from '../admission';

/** Undefined when the client presented none. */
export function presentedCertificate(socket: TLSSocket): PresentedCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  return {
    id: certificateIdOf(certificate.raw),
    validFrom: Date.parse(certificate.validFrom),
    validTo: Date.parse(certificate.validTo),
  };
}
