import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';

const NAME = /^CN=Amazon Root CA \d$/m;

/** PEM of the authorities of AWS IoT's endpoints, as Node.js carries them. */
export function amazonRoots(): string {
  const found = rootCertificates.filter((pem) => {
    const { subject } = new X509Certificate(pem);
    return NAME.test(subject);
  });
  return `${found.join('\n')}\n`;
}
