import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { CoreConfig } from '../../../protocol/coreConfig';
import { backgroundClock } from '../../../lib/clock';
import { connectCloud, type CloudConnection } from '../../cloud/cloudConnection';

/** The ways to the cloud of a core that has a certificate of its own. Throws when a file cannot be read. */
export async function connectByCertificate(config: CoreConfig, log: Logger): Promise<CloudConnection> {
  const { certificate, privateKey, ca } = config.upstream;
  const read = (file: string) => readFile(file, 'utf8');
  const identity = {
    certificate: await read(certificate),
    privateKey: await read(privateKey),
    ...(ca !== undefined && { ca: await read(ca) }),
  };
  return connectCloud({ config, identity, clock: backgroundClock, log, random: Math.random });
}
