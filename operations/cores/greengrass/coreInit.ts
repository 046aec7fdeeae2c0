import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { GetCoreDeviceCommand } from '@aws-sdk/client-greengrassv2';
import { AttachPolicyCommand } from '@aws-sdk/client-iot';
import { EdgeError } from '../../../protocol';
import type { CoreConfigurationInput, DeviceWay } from '../../../protocol/greengrass/coreConfiguration';
import { amazonRoots } from '../amazonRoot';
import { updateGroup, type ServiceAccess } from '../../groups/changeGroup';
import { unlessMissing } from '../../clients';
import type { CoreInitOptions, InitialisedCore } from '../standalone/coreInit';
import { associate, requireVacant, retire, serverNames, writeServer } from '../coreMembership';
import { removeListener, writeListener, type Listener } from '../../groups/listener';
import { requireDefinition } from '../../inspection/overview';
import { ThingStore, type ThingFiles } from '../../things/thingFiles';
import { ensureClientDevicePolicy, ensureGreengrassPolicy } from './corePolicy';
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
  /** How devices reach the core; with `pubsub`, hosts, port and server folder mean nothing. */
  devices?: DeviceWay;
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
 * bucket could read. A core without a broker of its own has none, and no address: Greengrass's client device
 * components tell devices theirs. It gets the rights that those need; deploying them is the operator's.
 *
 * Throws GROUP_NOT_FOUND, NOT_FOUND, CONFLICT (another node is the core; several certificates) and what
 * deployCoreComponent throws.
 */
export async function initialiseGreengrassCore(
  access: ServiceAccess,
  options: GreengrassCoreInitOptions,
): Promise<InitialisedGreengrassCore> {
  const { group, core, out } = options;
  const definition = await requireDefinition(access, group);
  const things = new ThingStore(join(out, 'credentials'), access.operator, options.cloudCa ?? amazonRoots());
  const kept = await things.find(core);
  const existing = kept === undefined ? await existingCertificate(access, options) : undefined;
  await requireVacant(access, definition, kept ?? existing, options);
  await mkdir(out, { recursive: true, mode: 0o700 });
  const identity = existing ?? (await provision(access, things, core));
  const { certificateId } = identity;
  await ensureGreengrassPolicy(access, { thingName: core, certificateId });
  const broker = options.devices === 'pubsub' ? undefined : await prepareBroker(options);
  await ensureClientDevicePolicy(access, {
    ...{ thingName: core, certificateId, wanted: broker === undefined },
  });
  const deployment = await deployCoreComponent(access, {
    ...{ definition, core, region: options.region, bundles: options.bundles, sdkFrom: options.sdkFrom },
    ...(options.cloudCa !== undefined && { cloudCa: options.cloudCa }),
    ...(broker === undefined
      ? { devices: 'pubsub' }
      : { listen: broker.listen, connectivityUrl: options.connectivityUrl }),
  });
  const change = await updateGroup(access, { group, core: { thingName: core, certificateId } });
  if (broker === undefined) await removeListener(access, group);
  else await writeListener(access, group, broker.listener);
  const warnings = await associate(access, core, change.after);
  const replaced = definition.core;
  if (replaced !== undefined && replaced.certificateId !== certificateId) {
    warnings.push(...(await retire(access, replaced)));
  }
  const files = existing === undefined ? await things.find(core) : undefined;
  const script = await writeNodeFiles(access, options, broker?.serverFolder, files);
  return {
    ...{ group, core, certificateId, out, change, warnings, deployment },
    ...(script && { command: NODE_COMMAND }),
    ...(broker && { hosts: broker.listener.hosts, port: broker.listener.port }),
  };
}

interface OwnBroker {
  listen: NonNullable<CoreConfigurationInput['listen']>;
  listener: Listener;
  serverFolder: string;
}

/** The server certificate, and where it goes. */
async function prepareBroker(options: GreengrassCoreInitOptions): Promise<OwnBroker> {
  const { group, hosts, port } = options;
  const names = serverNames(hosts);
  const ca = await writeServer(options, names);
  const serverFolder = options.serverFolder ?? serverFolderOf(group);
  return {
    listen: {
      host: hosts.length === 0 ? '127.0.0.1' : '0.0.0.0',
      port,
      certificate: `${serverFolder}/server.pem`,
      privateKey: `${serverFolder}/server.key`,
    },
    listener: { format: 1, hosts: names, port, ca },
    serverFolder,
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
  const known = await unlessMissing(greengrass.send(new GetCoreDeviceCommand({ coreDeviceThingName: core })));
  if (known === undefined) return undefined;
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

/**
 * `serverFolder`: of a core with a broker of its own; `files`: credentials of a core device that is still to
 * be set up. Resolves with whether there is a script to be run on the node.
 */
async function writeNodeFiles(
  { operator, outputs }: ServiceAccess,
  { out, group, core, region }: GreengrassCoreInitOptions,
  serverFolder: string | undefined,
  files: ThingFiles | undefined,
): Promise<boolean> {
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
  if (script !== undefined) await writeFile(join(out, 'install.sh'), script, { mode: 0o755 });
  // What the folder has from a time when the core had a broker of its own.
  else await rm(join(out, 'install.sh'), { force: true });
  if (serverFolder === undefined) {
    for (const file of ['server.pem', 'server.key']) await rm(join(out, file), { force: true });
  }
  await writeFile(join(out, 'README.md'), nodeReadme(texts, { command: NODE_COMMAND, isNew }));
  return script !== undefined;
}
