import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  importSigner,
  issueAuthority,
  issueClientCertificate,
  issueServerCertificate,
  type IssuedCertificate,
  type Validity,
} from './issue';

export interface CertificateAuthority {
  /** What clients must trust. */
  readonly certificatePem: string;
  /** `hosts` are DNS names or IP addresses; EC P-256, valid for 397 days. */
  issueServer(options: { commonName: string; hosts: readonly string[] }): Promise<IssuedCertificate>;
  /** EC P-256, valid for ten years unless told. */
  issueClient(options: { commonName: string } & Validity): Promise<IssuedCertificate>;
}

/** Certificate and key in one file, so that no interruption leaves one without the other. */
const AUTHORITY_FILE = 'authority.pem';
/** The certificate alone, for those who only need to trust it. */
const CERTIFICATE_FILE = 'ca.pem';
const OWNER_ONLY = 0o600;

/**
 * The authority that is kept in `dir`, or a new one. Two processes that start at once get the same.
 * Files: `authority.pem` (certificate and key, 0600) and `ca.pem` (the certificate).
 */
export async function loadOrCreateAuthority(
  dir: string,
  commonName = 'serverless-edge-on-demand local authority',
): Promise<CertificateAuthority> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const kept = join(dir, AUTHORITY_FILE);
  const pem = (await readIfThere(kept)) ?? (await createAuthorityFile(kept, commonName));
  const [certificatePem, privateKeyPem] = [pemBlock(pem, 'CERTIFICATE'), pemBlock(pem, 'PRIVATE KEY')];
  await replaceFile(join(dir, CERTIFICATE_FILE), certificatePem);
  const signer = await importSigner(certificatePem, privateKeyPem);
  return {
    certificatePem,
    issueServer: ({ commonName, hosts }) => issueServerCertificate(signer, commonName, hosts),
    issueClient: ({ commonName, ...validity }) => issueClientCertificate(signer, commonName, validity),
  };
}

/** A link never replaces: the process that comes second reads what the first one made. */
async function createAuthorityFile(path: string, commonName: string): Promise<string> {
  const { certificatePem, privateKeyPem } = await issueAuthority(commonName);
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, certificatePem + privateKeyPem, { mode: OWNER_ONLY });
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return readFile(path, 'utf8');
}

async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, content, { mode: OWNER_ONLY });
  await rename(temporary, path);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function pemBlock(pem: string, label: string): string {
  const block = new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\n?`).exec(pem)?.[0];
  if (block === undefined)
    throw new Error(`${AUTHORITY_FILE}: no ${label} in it; remove the file to start anew`);
  return block;
}
