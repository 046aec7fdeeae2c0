import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateIdOf } from '../../../lib/x509/certificateId';
import { loadOrCreateAuthority } from '../../../lib/x509/authority';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'authority-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('is kept, readable by its owner only', async () => {
  const first = await loadOrCreateAuthority(join(dir, 'kept'));
  const again = await loadOrCreateAuthority(join(dir, 'kept'));
  expect(again.certificatePem).toBe(first.certificatePem);
  expect((await stat(join(dir, 'kept', 'authority.pem'))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(dir, 'kept', 'ca.pem'), 'utf8')).toBe(first.certificatePem);
});

test('is one authority when several start at once', async () => {
  const all = await Promise.all(Array.from({ length: 4 }, () => loadOrCreateAuthority(dir)));
  expect(new Set(all.map(({ certificatePem }) => certificatePem)).size).toBe(1);
  const { certificatePem } = await all[3]!.issueClient({ commonName: 'a' });
  const authority = new X509Certificate(all[0]!.certificatePem);
  expect(new X509Certificate(certificatePem).verify(authority.publicKey)).toBe(true);
});

test('issues server certificates for names and addresses', async () => {
  const authority = await loadOrCreateAuthority(dir);
  const issued = await authority.issueServer({ commonName: 'core', hosts: ['localhost', '127.0.0.1'] });
  const certificate = new X509Certificate(issued.certificatePem);
  expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1');
  expect(certificate.checkIssued(new X509Certificate(authority.certificatePem))).toBe(true);
  expect(certificate.ca).toBe(false);
  expect(certificate.checkPrivateKey(createPrivateKey(issued.privateKeyPem))).toBe(true);
  expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
});

test('issues client certificates with a given validity and the id that AWS IoT computes', async () => {
  const authority = await loadOrCreateAuthority(dir);
  const validity = {
    notBefore: new Date('2020-01-01T00:00:00Z'),
    notAfter: new Date('2020-02-01T00:00:00Z'),
  };
  const issued = await authority.issueClient({ commonName: 'sensor, CN=core', ...validity });
  const certificate = new X509Certificate(issued.certificatePem);
  expect(new Date(certificate.validFrom)).toEqual(validity.notBefore);
  expect(new Date(certificate.validTo)).toEqual(validity.notAfter);
  expect(certificate.toLegacyObject().subject.CN).toBe('sensor, CN=core');
  const id = createHash('sha256').update(certificate.raw).digest('hex');
  expect([
    issued.certificateId,
    certificateIdOf(issued.certificatePem),
    certificateIdOf(certificate.raw),
  ]).toEqual([id, id, id]);
});
