import './reflectMetadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { certificateIdOf } from './certificateId';

x509.cryptoProvider.set(webcrypto);

/** A certificate with its key, both PEM (the key as PKCS #8), and its id as AWS IoT computes it. */
export interface IssuedCertificate {
  certificatePem: string;
  privateKeyPem: string;
  certificateId: string;
}

/** Signs certificates: the certificate and key of an authority. */
export interface Signer {
  certificate: x509.X509Certificate;
  privateKey: webcrypto.CryptoKey;
}

export interface Validity {
  notBefore?: Date;
  notAfter?: Date;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const AUTHORITY_DAYS = 3_650;
/** Apple's clients accept no server certificate that is valid for longer. */
const SERVER_DAYS = 397;
const CLIENT_DAYS = 3_650;

export async function issueAuthority(commonName: string): Promise<IssuedCertificate> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: nameOf(commonName),
    keys,
    signingAlgorithm: ALGORITHM,
    ...validityOf({}, AUTHORITY_DAYS),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return issued(certificate, keys.privateKey);
}

export function issueServerCertificate(
  signer: Signer,
  commonName: string,
  hosts: readonly string[],
): Promise<IssuedCertificate> {
  const names = hosts.map((host) => ({
    type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const),
    value: host,
  }));
  return issueLeaf(signer, commonName, validityOf({}, SERVER_DAYS), [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(names),
  ]);
}

export function issueClientCertificate(
  signer: Signer,
  commonName: string,
  validity: Validity,
): Promise<IssuedCertificate> {
  return issueLeaf(signer, commonName, validityOf(validity, CLIENT_DAYS), [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
  ]);
}

export async function importSigner(certificatePem: string, privateKeyPem: string): Promise<Signer> {
  const key = x509.PemConverter.decodeFirst(privateKeyPem);
  return {
    certificate: new x509.X509Certificate(certificatePem),
    privateKey: await webcrypto.subtle.importKey('pkcs8', key, ALGORITHM, false, ['sign']),
  };
}

async function issueLeaf(
  signer: Signer,
  commonName: string,
  validity: Required<Validity>,
  extensions: x509.Extension[],
): Promise<IssuedCertificate> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    subject: nameOf(commonName),
    issuer: signer.certificate.subjectName,
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: ALGORITHM,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.AuthorityKeyIdentifierExtension.create(signer.certificate.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...extensions,
    ],
  });
  return issued(certificate, keys.privateKey);
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function issued(
  certificate: x509.X509Certificate,
  key: webcrypto.CryptoKey,
): Promise<IssuedCertificate> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key);
  return {
    certificatePem: `${certificate.toString('pem')}\n`,
    privateKeyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
    certificateId: certificateIdOf(new Uint8Array(certificate.rawData)),
  };
}

/** Built from parts, because as text a comma or an equals sign in the name would be syntax. */
function nameOf(commonName: string): x509.Name {
  return new x509.Name([{ CN: [{ utf8String: commonName }] }]);
}

/** Validity begins a minute ago, because the clocks of two machines are never quite the same. */
function validityOf(validity: Validity, days: number): Required<Validity> {
  const notBefore = validity.notBefore ?? new Date(Date.now() - MINUTE_MS);
  return { notBefore, notAfter: validity.notAfter ?? new Date(notBefore.getTime() + days * DAY_MS) };
}
