import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { GetCoreDeviceCommand } from '@aws-sdk/client-greengrassv2';
import { AttachPolicyCommand } from '@aws-sdk/client-iot';
import { EdgeError } from '../../protocol';
import { amazonRoots } from '../amazonRoot';
import { updateGroup, type ServiceAccess } from '../changeGroup';
import { statusOf } from '../clients';
import type { CoreInitOptions, InitialisedCore } from '../coreInit';
import { associate, requireVacant, retire, serverNames, writeServer } from '../coreMembership';
import { writeListener } from '../listener';
import { requireDefinition } from '../overview';
import { ThingStore, type ThingFiles } from '../thingFiles';
import { ensureGreengrassPolicy } from './corePolicy';
import { deployCoreComponent, type DeployedComponent } from './index';
import {
  existingNodeScript,
  newNodeScript,
  nodeReadme,
  nucleusConfig,
  serverFolderOf,
  type NodeTexts,
} from './nodeTexts';

export interface GreengrassCoreInitOptions extends CoreInitOptions {
  /** Folder for which aws-iot-device-sdk-v2 is installed. */
  sdkFrom: string;
  /** Which of its certificates a core device has that Greengrass runs already, where it has several. */
  certificateId?: string;
  /** Where `server.pem` and `server.key` lie on the node; an absolute path. */
  serverFolder?: string;
}

export interface InitialisedGreengrassCore extends InitialisedCore {
  deployment: DeployedComponent;
}

export const NODE_COMMAND = 'sh install.sh';

/**
 * Makes a Greengrass core device the edge core of a group: rights for its certificate, the core component,
 * a deployment, and a folder with what the node cannot get from the cloud. A thing that is a core device
 * already keeps its certificate; for another one the folder has all that the nucleus is set up with.
 *
 * The server certificate is made here, as for a standalone core, and copied to the node once: its key must
 * be neither in a component's configuration nor in an artifact, which whoever may read deployments or the
 * bucket could read.
 *
 * Throws GROUP_NOT_FOUND, NOT_FOUND, CONFLICT (another node is the core; several certificates) and what
 * deployCoreComponent throws.
 */
export async function initialiseGreengrassCore(
  access: ServiceAccess,
  options: GreengrassCoreInitOptions,
): Promise<InitialisedGreengrassCore> {
  const { group, core, out, hosts, port } = options;
  const definition = await requireDefinition(access, group);
  const things = new ThingStore(join(out, 'credentials'), access.operator, options.cloudCa ?? amazonRoots());
  const kept = await things.find(core);
  const existing = kept === undefined ? await existingCertificate(access, options) : undefined;
  await requireVacant(access, definition, kept ?? existing, options);
  await mkdir(out, { recursive: true, mode: 0o700 });
  const identity = existing ?? (await provision(access, things, core));
  const { certificateId } = identity;
  await ensureGreengrassPolicy(access, { thingName: core, certificateId });
  const names = serverNames(hosts);
  const ca = await writeServer(options, names);
  const serverFolder = options.serverFolder ?? serverFolderOf(group);
  const deployment = await deployCoreComponent(access, {
    ...{ definition, core, region: options.region, connectivityUrl: options.connectivityUrl },
    ...{ bundles: options.bundles, sdkFrom: options.sdkFrom },
    ...(options.cloudCa !== undefined && { cloudCa: options.cloudCa }),
    listen: {
      host: hosts.length === 0 ? '127.0.0.1' : '0.0.0.0',
      port,
      certificate: `${serverFolder}/server.pem`,
      privateKey: `${serverFolder}/server.key`,
    },
  });
  const change = await updateGroup(access, { group, core: { thingName: core, certificateId } });
  await writeListener(access, group, { format: 1, hosts: names, port, ca });
  const warnings = await associate(access, core, change.after);
  const replaced = definition.core;
  if (replaced !== undefined && replaced.certificateId !== certificateId) {
    warnings.push(...(await retire(access, replaced)));
  }
  await writeNodeFiles(
    access,
    options,
    serverFolder,
    existing === undefined ? await things.find(core) : undefined,
  );
  return {
    ...{ group, core, certificateId, out, command: NODE_COMMAND, hosts: names, port, change, warnings },
    deployment,
  };
}

/** The policy of the service's cores also marks what `sls remove` takes away. */
async function provision(
  { outputs }: ServiceAccess,
  things: ThingStore,
  thingName: string,
): Promise<ThingFiles> {
  return things.ensure({ thingName, policyName: outputs.corePolicy, madeBy: outputs.corePrefix });
}

/** Of a thing on which a nucleus runs already; undefined when none has reported from it. */
async function existingCertificate(
  { operator, outputs }: ServiceAccess,
  { core, certificateId: chosen }: GreengrassCoreInitOptions,
): Promise<{ certificateId: string } | undefined> {
  const { greengrass, iot } = operator.clients;
  try {
    await greengrass.send(new GetCoreDeviceCommand({ coreDeviceThingName: core }));
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
  const active = await operator.activeCertificatesOf(core);
  const certificateId = chosen ?? active[0];
  if (certificateId === undefined || !active.includes(certificateId)) {
    throw new EdgeError('NOT_FOUND', `${core} has no active certificate${chosen ? ` ${chosen}` : ''}`);
  }
  if (chosen === undefined && active.length > 1) {
    throw new EdgeError('CONFLICT', `${core} has several active certificates`, {
      expected: '--certificate with the one that its nucleus has',
      details: { certificates: active },
    });
  }
  const target = await operator.certificateArn(certificateId);
  await iot.send(new AttachPolicyCommand({ policyName: outputs.corePolicy, target }));
  return { certificateId };
}

/** `files`: credentials of a core device that is still to be set up. */
async function writeNodeFiles(
  { operator, outputs }: ServiceAccess,
  { out, group, core, region }: GreengrassCoreInitOptions,
  serverFolder: string,
  files: ThingFiles | undefined,
): Promise<void> {
  const inside = (file = ''): string => relative(out, file).replaceAll('\\', '/');
  const { data, credentialProvider } = await operator.endpoints();
  const texts: NodeTexts = {
    ...{
      group,
      thingName: core,
      region,
      roleAlias: outputs.roleAlias,
      data,
      credentialProvider,
      serverFolder,
    },
    credentials: {
      certificate: inside(files?.certificate),
      privateKey: inside(files?.privateKey),
      ca: inside(files?.ca),
    },
  };
  const isNew = files !== undefined;
  if (isNew) await writeFile(join(out, 'nucleus.yaml'), nucleusConfig(texts));
  const script = isNew ? newNodeScript(texts) : existingNodeScript(texts);
  await writeFile(join(out, 'install.sh'), script, { mode: 0o755 });
  await writeFile(join(out, 'README.md'), nodeReadme(texts, { command: NODE_COMMAND, isNew }));
}
