import {
  importSigner,
  issueAuthority,
  issueClientCertificate,
  issueServerCertificate,
  type IssuedCertificate,
} from '../../../lib/x509/issue';

export interface TestAuthority {
  ca: string;
  server(): Promise<IssuedCertificate>;
  device(thingName: string): Promise<IssuedCertificate>;
}

/** An authority in memory: servers on 127.0.0.1, and devices. */
export async function createAuthority(name: string): Promise<TestAuthority> {
  const authority = await issueAuthority(name);
  const signer = await importSigner(authority.certificatePem, authority.privateKeyPem);
  return {
    ca: authority.certificatePem,
    server: () => issueServerCertificate(signer, 'server', ['localhost', '127.0.0.1']),
    device: (thingName) => issueClientCertificate(signer, thingName, {}),
  };
}
