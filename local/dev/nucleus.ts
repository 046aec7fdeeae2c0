import { createHash } from 'node:crypto';
import { mkdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EdgeError } from '../../protocol';
import type { ThingFiles } from '../../operations/things/thingFiles';
import type { LocalCloud } from '../cloud';
import type { NucleusConfig } from '../nucleus/config';
import { startProgram, type NodeProcess, type ProcessEvent } from './process';

export interface NucleusPlace {
  cloud: LocalCloud;
  /** The thing of the core, with the certificate that the nucleus has. */
  core: ThingFiles;
  /** Of the token exchange role. */
  roleAlias: string;
  stateDir: string;
}

export interface NucleusOptions {
  /** Variables of components beside those of a nucleus. */
  environment?: Record<string, string>;
  settings?: Partial<Pick<NucleusConfig, 'deploymentPollingFrequencySeconds' | 'startPollMs' | 'logLevel'>>;
  onEvent?: ((event: ProcessEvent) => void) | undefined;
  /** Every line of the nucleus and of its components that is JSON. */
  onLine?: ((line: string) => void) | undefined;
}

const NUCLEUS_BUNDLE = 'dist/local/nucleus.cjs';
const OWNER_ONLY = 0o600;
/** Components put Unix sockets below the root, whose paths may have 107 bytes. */
const LONGEST_ROOT = 48;
const LINKS = join(tmpdir(), 'ggc-');

/**
 * Starts a simulated Greengrass V2 core in a process of its own; resolves when it takes deployments. Lines
 * of components that are JSON are events of the process, too. Throws EdgeError NOT_FOUND before a build.
 */
export async function startNucleusProcess(
  place: NucleusPlace,
  options: NucleusOptions = {},
): Promise<NodeProcess> {
  const rootDir = await shortRoot(join(place.stateDir, 'v2'));
  const configFile = await writeConfig(place, rootDir, options);
  const { onEvent, onLine } = options;
  const name = `nucleus ${place.core.thingName}`;
  const { child } = await startProgram(NUCLEUS_BUNDLE, configFile, 'nucleus', { name, onEvent, onLine });
  if (rootDir.startsWith(LINKS)) void child.exited.then(() => rm(rootDir, { force: true }));
  return child;
}

async function writeConfig(
  { cloud, core, roleAlias, stateDir }: NucleusPlace,
  rootDir: string,
  options: NucleusOptions,
): Promise<string> {
  const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...endpoints } = cloud.environment();
  const config: Partial<NucleusConfig> = {
    thingName: core.thingName,
    rootDir,
    region: cloud.region,
    certificate: core.certificate,
    privateKey: core.privateKey,
    ca: core.ca,
    mqtt: cloud.endpoints.mqtt,
    dataUrl: cloud.endpoints.iotTls,
    s3Url: cloud.endpoints.s3,
    roleAlias,
    deploymentPollingFrequencySeconds: 1,
    environment: { ...endpoints, ...options.environment },
    ...options.settings,
  };
  const file = join(stateDir, 'nucleus.json');
  await writeFile(file, `${JSON.stringify(config, null, 2)}\n`, { mode: OWNER_ONLY });
  return file;
}

/** The folder itself, or a link to it with a short path: always the same one. */
async function shortRoot(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (Buffer.byteLength(folder) <= LONGEST_ROOT) return folder;
  const link = `${LINKS}${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
  const known = await readlink(link).catch(() => undefined);
  if (known === undefined) await symlink(folder, link);
  else if (known !== folder) throw new EdgeError('CONFLICT', `${link} leads elsewhere`);
  return link;
}
