import { dirname, resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseJsonWith } from '../../protocol';

/** The configuration file of the simulated nucleus. Paths are relative to the file. */
const nucleusConfigSchema = z.strictObject({
  thingName: z.string(),
  /** As `/greengrass/v2` on a real core. Survives restarts; keep it short, a socket lies in it. */
  rootDir: z.string(),
  region: z.string(),
  certificate: z.string(),
  privateKey: z.string(),
  /** PEM of the authority that signs the cloud's servers. */
  ca: z.string(),
  mqtt: z.strictObject({ host: z.string(), port: z.int() }),
  /** Mutual TLS: credentials provider and Greengrass' data plane. */
  dataUrl: z.url(),
  s3Url: z.url(),
  /** Of the token exchange role. */
  roleAlias: z.string(),
  /** As in the configuration of aws.greengrass.Nucleus, which overrides it. */
  deploymentPollingFrequencySeconds: z.number().positive().default(15),
  /** How often a deployment looks whether its components have started; a real nucleus: 1,000. */
  startPollMs: z.int().min(1).default(1_000),
  /** Variables of components beside those of a nucleus, such as the endpoints of the local cloud. */
  environment: z.record(z.string(), z.string()).default({}),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});
export type NucleusConfig = z.output<typeof nucleusConfigSchema>;

/** What the nucleus tells on its standard output, one JSON line each. */
export interface NucleusEvent {
  event: string;
  [field: string]: unknown;
}

/** What the file names, with the PEM texts. */
export interface NucleusIdentity {
  ca: string;
  certificate: string;
  privateKey: string;
}

/** Throws EdgeError CONFIG_INVALID naming the field, or what reading a file throws. */
export async function readConfig(
  file: string,
): Promise<{ config: NucleusConfig; identity: NucleusIdentity }> {
  const given = parseJsonWith(nucleusConfigSchema, await readFile(file), file, 'CONFIG_INVALID');
  const at = (path: string): string => resolve(dirname(file), path);
  const config = { ...given, rootDir: at(given.rootDir), ca: at(given.ca) };
  const read = (path: string): Promise<string> => readFile(at(path), 'utf8');
  const [ca, certificate, privateKey] = await Promise.all([
    read(given.ca),
    read(given.certificate),
    read(given.privateKey),
  ]);
  return { config, identity: { ca, certificate, privateKey } };
}
