import { readFile } from 'node:fs/promises';
import type { ListenSettings } from '../../../protocol/coreConfig';
import type { DeviceAccessParts } from '../deviceAccess';
import { createBroker, type Broker } from './broker';

/**
 * Makes the core's own broker, once its other parts are there, with the certificate that `listen` names.
 * Throws when a file cannot be read, before the core has begun anything.
 */
export async function prepareBroker(
  listen: ListenSettings,
): Promise<(parts: DeviceAccessParts) => Promise<Broker>> {
  const [certificate = '', privateKey = ''] = await Promise.all(
    [listen.certificate, listen.privateKey].map((file) => readFile(file, 'utf8')),
  );
  return (parts) => createBroker({ ...listen, certificate, privateKey, ...parts });
}
