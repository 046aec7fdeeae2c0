import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { amazonRoots } from '../amazonRoot';
import { updateGroup, type GroupChange, type ServiceAccess } from '../../groups/changeGroup';
import { associate, requireVacant, retire, serverNames, writeServer } from '../coreMembership';
import { writeListener } from '../../groups/listener';
import { requireDefinition } from '../../inspection/overview';
import { ThingStore, type ThingFiles } from '../../things/thingFiles';
import { coreReadme, systemdUnit } from './nodeTexts';

export interface CoreInitOptions {
  group: string;
  /** Thing name of the core. */
  core: string;
  /** What is copied to the node. Made if need be; what is in it already is kept where it still holds. */
  out: string;
  /** Names and addresses by which devices reach the node; none: this machine alone. */
  hosts: readonly string[];
  port: number;
  /** Another node has a certificate as the core of this group; it is cut off. */
  replace: boolean;
  region: string;
  /** Folder of the authority that signs the server certificates of this service's edges. Stays here. */
  authorityDir: string;
  /** Folder with `core.cjs` and `functionProcess.cjs`. */
  bundles: string;
  /** PEM of the authority of the cloud's servers; absent: those that the node's Node.js trusts. */
  cloudCa?: string;
  /** Where the core tells its address for discovery. */
  connectivityUrl: string;
}

export interface InitialisedCore {
  group: string;
  core: string;
  certificateId: string;
  out: string;
  /** To be run in `out` on the node; absent when nothing has to be done there. */
  command?: string;
  /** For systemd; absent where something else keeps the core running. */
  unit?: string;
  /** Where devices connect to the core's own broker; absent where it has none. */
  hosts?: string[];
  port?: number;
  change: GroupChange;
  warnings: string[];
}

const BUNDLES = ['core.cjs', 'functionProcess.cjs'];
const OWNER_ONLY = 0o600;
const MQTT_PORT = 8883;

export const START_COMMAND = 'node core.cjs --config core.json';

/**
 * Makes a folder that runs as the core of a group with one command: credentials, configuration, the
 * bundle, a unit for systemd. Then the group's definition names this core, and no other. Again with the
 * same folder it keeps the core's certificate and renews that of its server.
 * Throws GROUP_NOT_FOUND, CONFLICT when another node is the core.
 */
export async function initialiseCore(
  access: ServiceAccess,
  options: CoreInitOptions,
): Promise<InitialisedCore> {
  const { outputs } = access;
  const { group, core, out, hosts, port } = options;
  const definition = await requireDefinition(access, group);
  const things = new ThingStore(join(out, 'credentials'), access.operator, options.cloudCa ?? amazonRoots());
  await requireVacant(access, definition, await things.find(core), options);
  await mkdir(out, { recursive: true, mode: 0o700 });
  const thing = await things.ensure({
    thingName: core,
    policyName: outputs.corePolicy,
    madeBy: outputs.corePrefix,
  });
  const names = serverNames(hosts);
  const ca = await writeServer(options, names);
  await writeFolder(access, options, thing);
  const { certificateId } = thing;
  const change = await updateGroup(access, { group, core: { thingName: core, certificateId } });
  await writeListener(access, group, { format: 1, hosts: names, port, ca });
  const warnings = await associate(access, core, change.after);
  const replaced = definition.core;
  if (replaced !== undefined && replaced.certificateId !== certificateId) {
    warnings.push(...(await retire(access, replaced)));
  }
  const unit = `edge-${group}.service`;
  return {
    group,
    core,
    certificateId,
    out,
    command: START_COMMAND,
    unit,
    hosts: names,
    port,
    change,
    warnings,
  };
}

async function writeFolder(
  access: ServiceAccess,
  options: CoreInitOptions,
  thing: ThingFiles,
): Promise<void> {
  const { out, bundles, group } = options;
  const config = await configOf(access, options, thing);
  await writeFile(join(out, 'core.json'), `${JSON.stringify(config, null, 2)}\n`, { mode: OWNER_ONLY });
  for (const name of BUNDLES) await copyFile(join(bundles, name), join(out, name));
  await writeFile(join(out, `edge-${group}.service`), systemdUnit(group));
  await writeFile(join(out, 'README.md'), coreReadme(group, START_COMMAND));
}

/** In the form of edge/config.ts, which the core checks; paths are relative to the file. */
async function configOf({ operator, outputs }: ServiceAccess, options: CoreInitOptions, thing: ThingFiles) {
  const { data, credentialProvider } = await operator.endpoints();
  const [host, port] = data.split(':');
  const inside = (file: string): string => relative(options.out, file).replaceAll('\\', '/');
  return {
    core: options.core,
    group: options.group,
    stateDir: 'state',
    devicePrefix: outputs.devicePrefix,
    corePrefix: outputs.corePrefix,
    listen: {
      host: options.hosts.length === 0 ? '127.0.0.1' : '0.0.0.0',
      port: options.port,
      certificate: 'server.pem',
      privateKey: 'server.key',
    },
    upstream: {
      region: options.region,
      ...(options.cloudCa !== undefined && { ca: inside(thing.ca) }),
      certificate: inside(thing.certificate),
      privateKey: inside(thing.privateKey),
      mqtt: { host, port: port === undefined ? MQTT_PORT : Number(port) },
      httpUrl: outputs.httpApiUrl,
      credentialsUrl: `https://${credentialProvider}`,
      roleAlias: outputs.roleAlias,
      connectivityUrl: options.connectivityUrl,
    },
  };
}
