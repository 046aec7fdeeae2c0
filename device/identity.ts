import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { EdgeError } from '../protocol/errors';
import { invalidOption } from './checks';

/** Who the device is: its name, and the certificate and key that prove it. PEM. */
export interface DeviceCredentials {
  thingName: string;
  certificate: string;
  privateKey: string;
}

/**
 * PEM text as it is; anything else is the path of a PEM file. Throws BAD_REQUEST that names the option.
 */
export async function readPem(value: string, option: string): Promise<string> {
  if (typeof value !== 'string' || value === '')
    throw invalidOption(option, 'PEM text or the path of a PEM file');
  const text = value.includes('-----BEGIN') ? value : await readPemFile(value, option);
  if (!text.includes('-----BEGIN')) throw invalidOption(option, 'PEM text or the path of a PEM file');
  return text;
}

/** Certificate and key, checked to belong together before a server has to say so less clearly. */
export async function readIdentity(from: DeviceCredentials): Promise<DeviceCredentials> {
  const certificate = await readPem(from.certificate, 'certificate');
  const privateKey = await readPem(from.privateKey, 'privateKey');
  const parsed = attempt('certificate', 'a PEM certificate', () => new X509Certificate(certificate));
  const key = attempt('privateKey', 'an unencrypted PEM private key', () => createPrivateKey(privateKey));
  if (!parsed.checkPrivateKey(key)) throw invalidOption('privateKey', 'the private key of the certificate');
  return { thingName: from.thingName, certificate, privateKey };
}

async function readPemFile(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new EdgeError('BAD_REQUEST', `${option}: cannot read "${path}"`, { field: option, cause: error });
  }
}

function attempt<T>(option: string, expected: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw invalidOption(option, expected, error);
  }
}
