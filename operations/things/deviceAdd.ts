import { join } from 'node:path';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { updateGroup, type GroupChange, type OperatorAccess } from '../groups/changeGroup';
import { readListener } from '../groups/listener';
import { forgetDropped } from '../groups/namedDevices';
import { requireDefinition } from '../inspection/overview';
import { ThingStore, type ThingFiles } from './thingFiles';

/** What `EdgeClient.connect` takes, with the PEM texts inside: one file is all that a device needs. */
export interface ClientConfig {
  thingName: string;
  certificate: string;
  privateKey: string;
  ca: string;
  prefix: string;
  endpoint?: { host: string; port: number };
  discovery?: { url: string };
}

export interface DeviceAddOptions {
  thingName: string;
  group: string;
  /** Folder of devices: `<dir>/<name>/` gets the PEM files, `<dir>/<name>.json` is for the client. */
  dir: string;
  /** PEM of the authority of the cloud's own servers. */
  cloudCa: string;
  discoveryUrl: string;
}

export interface AddedDevice {
  thing: ThingFiles;
  /** The ready-to-run client configuration. */
  configFile: string;
  change: GroupChange;
  connects: 'endpoint' | 'discovery';
  warnings: string[];
}

const OWNER_ONLY = 0o600;

/**
 * Provisions a device, adds it to the group and lets it discover the group's core. Again with the same
 * folder it keeps the certificate, unless that was revoked in this group. Throws GROUP_NOT_FOUND, and what the cloud refuses.
 */
export async function addDevice(access: OperatorAccess, options: DeviceAddOptions): Promise<AddedDevice> {
  const { operator, outputs } = access;
  const { thingName, group, dir, cloudCa } = options;
  const { core, devices } = await requireDefinition(access, group);
  const listener = await readListener(access, group);
  const store = new ThingStore(dir, operator, cloudCa);
  const request = { thingName, policyName: outputs.devicePolicy, madeBy: outputs.corePrefix };
  const { revoked, certificateId: last } = devices[thingName] ?? {};
  const thing = await store.ensure(request, revoked ? last : undefined);
  const ca = listener?.ca ?? cloudCa;
  await writeFile(thing.ca, ca, { mode: OWNER_ONLY });
  const { certificateId } = thing;
  const change = await updateGroup(access, { group, devices: [{ thingName, certificateId }] });
  await forgetDropped(access, group, thingName);
  const warnings = core === undefined ? [] : await associate(access, core.thingName, thingName);
  const endpoint = listener && { host: listener.hosts[0] ?? '', port: listener.port };
  const configFile = await writeClientConfig(dir, thing, {
    ca,
    prefix: outputs.devicePrefix,
    ...(endpoint ? { endpoint } : { discovery: { url: options.discoveryUrl } }),
  });
  return { thing, configFile, change, connects: endpoint ? 'endpoint' : 'discovery', warnings };
}

/** Writes `<dir>/<device>.json`: all that a device needs. Gives its path. */
export async function writeClientConfig(
  dir: string,
  { thingName, certificate, privateKey }: ThingFiles,
  rest: Pick<ClientConfig, 'ca' | 'prefix' | 'endpoint' | 'discovery'>,
): Promise<string> {
  const config: ClientConfig = {
    thingName,
    certificate: await readFile(certificate, 'utf8'),
    privateKey: await readFile(privateKey, 'utf8'),
    ...rest,
  };
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, `${encodeURIComponent(thingName)}.json`);
  await writeFile(file, `${JSON.stringify(config, null, 2)}\n`, { mode: OWNER_ONLY });
  return file;
}

async function associate({ operator }: OperatorAccess, core: string, device: string): Promise<string[]> {
  try {
    await operator.associateDevices(core, [device]);
    return [];
  } catch (error) {
    return [`the device cannot discover ${core}: ${(error as Error).message}`];
  }
}
