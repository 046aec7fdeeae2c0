import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { rootCertificates } from 'node:tls';
import { certificateIdOf } from '../../lib/x509/certificateId';
import type { Operator } from '../operator';

/** Where a thing's credentials lie; all PEM files. */
export interface ThingFiles {
  thingName: string;
  certificateId: string;
  certificate: string;
  privateKey: string;
  /** What the thing must trust. */
  ca: string;
}

export interface ThingRequest {
  thingName: string;
  policyName: string;
  /** Marks a thing that is made now as the service's own. */
  madeBy?: string;
}

const OWNER_ONLY = 0o600;

/** Provisions things and keeps their credentials below `dir/<name>/`, so that a restart has the same. */
export class ThingStore {
  constructor(
    private readonly dir: string,
    private readonly operator: Operator,
    private readonly caPem: string,
  ) {}

  /**
   * The thing with the certificate that it has, if the cloud still knows that and it is not `revoked`;
   * else with a new one.
   */
  async ensure(request: ThingRequest, revoked?: string): Promise<ThingFiles> {
    const kept = await this.find(request.thingName);
    if (kept !== undefined && kept.certificateId !== revoked) {
      const known = await this.operator.certificatesOf(request.thingName);
      if (known.includes(kept.certificateId)) return kept;
    }
    const { certificatePem, privateKeyPem } = await this.operator.provisionThing(request);
    const files = this.#files(request.thingName);
    await mkdir(files.folder, { recursive: true, mode: 0o700 });
    await writeWhole(files.ca, this.caPem);
    await writeWhole(files.privateKey, privateKeyPem);
    // The certificate comes last: where it is, the key is.
    await writeWhole(files.certificate, certificatePem);
    return this.#describe(request.thingName, certificatePem);
  }

  async find(thingName: string): Promise<ThingFiles | undefined> {
    try {
      return this.#describe(thingName, await readFile(this.#files(thingName).certificate, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #describe(thingName: string, certificatePem: string): ThingFiles {
    const { certificate, privateKey, ca } = this.#files(thingName);
    return { thingName, certificateId: certificateIdOf(certificatePem), certificate, privateKey, ca };
  }

  #files(thingName: string) {
    // A colon, which thing names may have, is no character for a folder everywhere.
    const folder = join(this.dir, encodeURIComponent(thingName));
    return {
      folder,
      certificate: join(folder, 'certificate.pem'),
      privateKey: join(folder, 'private.key'),
      ca: join(folder, 'ca.pem'),
    };
  }
}

/** Paths of files below a folder, as a configuration in that folder names them. */
export function pathInside(folder: string): (file: string | undefined) => string {
  return (file = '') => relative(folder, file).replaceAll('\\', '/');
}

const AMAZON_ROOT = /^CN=Amazon Root CA \d$/m;

/** PEM of the authorities of AWS IoT's endpoints, as Node.js carries them. */
export function amazonRoots(): string {
  const found = rootCertificates.filter((pem) => AMAZON_ROOT.test(new X509Certificate(pem).subject));
  return `${found.join('\n')}\n`;
}

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: OWNER_ONLY });
  await rename(`${path}.new`, path);
}
