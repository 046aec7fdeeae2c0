import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetCoreDeviceCommand } from '@aws-sdk/client-greengrassv2';
import { AttachPolicyCommand } from '@aws-sdk/client-iot';
import { unlessMissing } from '../../../lib/awsErrors';
import { EdgeError } from '../../../protocol';
import type { DeviceWay } from '../../../protocol/greengrass/coreConfiguration';
import type { OperatorAccess } from '../../groups/changeGroup';
import { pathInside } from '../../things/thingFiles';
import { deviceWayOf, makeOwnBroker, reachLines, refuseBrokerOptions } from '../ownBroker';
import { coreHeadline, HOLDS_KEYS, type CorePlatform, type CoreTrip, type PreparedCore } from '../platform';
import { deployCoreComponent, type DeployedComponent } from './coreComponent';
import { ensureClientDevicePolicy, ensureGreengrassPolicy } from './corePolicy';
import { existingNodeScript, newNodeScript, nodeReadme, nucleusConfig, type NodeTexts } from './nodeTexts';
import { GreengrassRemoval } from './removal';

interface Settings {
  /** How devices reach the core; with `pubsub`, hosts, port and server folder mean nothing. */
  devices: DeviceWay;
  /** Which of its certificates a core device has that Greengrass runs already, where it has several. */
  certificate: string | undefined;
  /** Where `server.pem` and `server.key` lie on the node; an absolute path. */
  serverFolder: string | undefined;
  /** Folder for which aws-iot-device-sdk-v2 is installed. */
  sdkFrom: string;
}

const NODE_COMMAND = 'sh install.sh';

/**
 * A Greengrass core device: rights for its certificate, the core component, a deployment, and a folder with
 * what the node cannot get from the cloud. A thing that is a core device already keeps its certificate; for
 * another one the folder has all that the nucleus is set up with.
 *
 * The server certificate is made here, as for a standalone core, and copied to the node once: its key must
 * be neither in a component's configuration nor in an artifact, which whoever may read deployments or the
 * bucket could read. A core without a broker of its own has none, and no address: Greengrass's client device
 * components tell devices theirs. It gets the rights that those need; deploying them is the operator's.
 */
export const greengrass: CorePlatform = {
  steps(given, serviceDir) {
    const devices = deviceWayOf(given);
    if (devices === 'pubsub') refuseBrokerOptions(given, '--devices pubsub');
    const serverFolder = given('server-dir');
    if (serverFolder !== undefined && !/^\/[\w./-]*$/.test(serverFolder)) {
      throw new EdgeError('BAD_REQUEST', `--server-dir: found ${serverFolder}`, {
        expected: 'an absolute path',
      });
    }
    // The client that the component is given comes from the service, where npm has put every architecture of it.
    const settings = { devices, serverFolder, certificate: given('certificate'), sdkFrom: serviceDir };
    return {
      usesDiscovery: true,
      existing: (access, core) => existingCertificate(access, core, settings.certificate),
      prepare: (trip) => prepare(trip, settings),
    };
  },
  removal: () => new GreengrassRemoval(),
};

async function prepare(trip: CoreTrip, settings: Settings): Promise<PreparedCore> {
  const { access, options, definition, certificateId } = trip;
  const { core, region, bundles, cloudCa, connectivityUrl } = options;
  const folder = settings.serverFolder ?? `/etc/edge-${options.group}`;
  await ensureGreengrassPolicy(access, { thingName: core, certificateId });
  const broker = settings.devices === 'pubsub' ? undefined : await makeOwnBroker(options, folder);
  const wanted = broker === undefined;
  await ensureClientDevicePolicy(access, { thingName: core, certificateId, wanted });
  const deployment = await deployCoreComponent(access, {
    ...{ definition, core, region, bundles, sdkFrom: settings.sdkFrom },
    ...(cloudCa !== undefined && { cloudCa }),
    ...(broker === undefined ? { devices: 'pubsub' } : { listen: broker.listen, connectivityUrl }),
  });
  const hasScript = await writeNodeFiles(trip, broker && folder);
  const { hosts, port } = broker?.listener ?? {};
  return {
    ...(broker && { listener: broker.listener }),
    facts: { deployment, ...(hasScript && { command: NODE_COMMAND }), ...(broker && { hosts, port }) },
    lines: [
      coreHeadline(trip),
      deploymentText(deployment),
      ...(hasScript
        ? RUN_SCRIPT
        : ['Nothing has to be done on the node; README.md there says what it needs.']),
      ...(broker === undefined ? OTHER_BROKER : reachLines(broker.listener)),
      ...(hasScript ? [HOLDS_KEYS] : []),
    ],
  };
}

const RUN_SCRIPT = [
  'Copy it to the node, whose README.md says what it needs, and run there as root:',
  '',
  `  ${NODE_COMMAND}`,
  '',
];

const OTHER_BROKER = [
  "Devices connect to Greengrass's own broker and find it by discovery: the client device components have",
  'to be deployed to this core device, as docs/engines.md says.',
];

function deploymentText({ component, version, targetArn, deploymentId, isNew }: DeployedComponent): string {
  const target = targetArn.slice(targetArn.lastIndexOf(':') + 1);
  const what = `Component ${component} ${version} of ${target}`;
  return isNew
    ? `${what} is deployed by ${deploymentId}.`
    : `${what} was deployed already (${deploymentId}).`;
}

/** Of a thing on which a nucleus runs already; undefined when none has reported from it. */
async function existingCertificate(
  { operator, outputs }: OperatorAccess,
  core: string,
  chosen: string | undefined,
): Promise<{ certificateId: string } | undefined> {
  const { greengrass: client, iot } = operator.clients;
  const known = await unlessMissing(client.send(new GetCoreDeviceCommand({ coreDeviceThingName: core })));
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
 * `serverFolder`: of a core with a broker of its own. Resolves with whether there is a script to be run on
 * the node.
 */
async function writeNodeFiles(
  { access, options, files }: CoreTrip,
  serverFolder: string | undefined,
): Promise<boolean> {
  const { out, group, core, region } = options;
  const inside = pathInside(out);
  const { data, credentialProvider } = await access.operator.endpoints();
  const { roleAlias } = access.outputs;
  const texts: NodeTexts = {
    ...{ group, thingName: core, region, roleAlias, data, credentialProvider, serverFolder },
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
