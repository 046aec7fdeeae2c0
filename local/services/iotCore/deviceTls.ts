import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket, type TlsOptions } from 'node:tls';
import type { CertificateAuthority } from '../../../lib/x509/authority';
import { certificateIdOf } from '../../../lib/x509/certificateId';

/**
 * Mutual TLS as AWS IoT has it: the handshake proves that the device has the key of its certificate;
 * whether that certificate is admitted is a question for the registry, whoever signed it. Without
 * session tickets, so that every connection presents its certificate anew.
 */
export async function deviceTlsOptions(authority: CertificateAuthority): Promise<TlsOptions> {
  const server = await authority.issueServer({
    commonName: 'local AWS IoT Core',
    hosts: ['localhost', '127.0.0.1'],
  });
  return {
    cert: server.certificatePem,
    key: server.privateKeyPem,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** The id of the certificate that the client proved to have; undefined when it showed none. */
export function peerCertificateId(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || socket.isSessionReused()) return undefined;
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? undefined : certificateIdOf(certificate.raw);
}
