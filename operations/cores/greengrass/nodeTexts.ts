import { NUCLEUS_VERSION } from './deployment';

/** Files for people and for the nucleus that go to the node with a Greengrass core. */

const ROOT = '/greengrass/v2';

export interface NodeTexts {
  group: string;
  thingName: string;
  region: string;
  roleAlias: string;
  /** Hosts of AWS IoT. */
  data: string;
  credentialProvider: string;
  /** Folder of the server certificate on the node; undefined where the core has none. */
  serverFolder: string | undefined;
  /** Paths below the folder that is copied to the node. */
  credentials: { certificate: string; privateKey: string; ca: string };
}

/**
 * `--init-config` of the nucleus. Source: AWS IoT Greengrass V2 developer guide, "Install AWS IoT
 * Greengrass Core software with manual resource provisioning".
 */
export function nucleusConfig({ thingName, region, roleAlias, data, credentialProvider }: NodeTexts): string {
  // JSON texts are YAML texts.
  const text = (value: string): string => JSON.stringify(value);
  return `---
system:
  certificateFilePath: ${text(`${ROOT}/device.pem.crt`)}
  privateKeyPath: ${text(`${ROOT}/private.pem.key`)}
  rootCaPath: ${text(`${ROOT}/AmazonRootCA1.pem`)}
  rootpath: ${text(ROOT)}
  thingName: ${text(thingName)}
services:
  aws.greengrass.Nucleus:
    componentType: "NUCLEUS"
    version: ${text(NUCLEUS_VERSION)}
    configuration:
      awsRegion: ${text(region)}
      iotRoleAlias: ${text(roleAlias)}
      iotDataEndpoint: ${text(data)}
      iotCredEndpoint: ${text(credentialProvider)}
      deploymentPollingFrequencySeconds: 1
`;
}

/** Lays down what the core cannot get from the cloud: the key by which devices know it. */
function serverFilesScript(serverFolder: string | undefined): string {
  if (serverFolder === undefined) return '';
  return `install -d -o ggc_user -g ggc_group -m 0700 ${serverFolder}
install -o ggc_user -g ggc_group -m 0600 server.pem server.key ${serverFolder}/
`;
}

const SCRIPT_HEAD = `#!/bin/sh
# As root, in the folder that "sls edge core init" made. Can be run again.
set -eu
cd "$(dirname "$0")"
`;

/** Undefined when there is nothing to lay down. */
export function existingNodeScript({ serverFolder }: NodeTexts): string | undefined {
  return serverFolder === undefined ? undefined : `${SCRIPT_HEAD}${serverFilesScript(serverFolder)}`;
}

export function newNodeScript({ serverFolder, credentials }: NodeTexts): string {
  return `${SCRIPT_HEAD}
command -v java > /dev/null || { echo 'Java 8 or later is missing' >&2; exit 1; }
command -v curl > /dev/null || { echo 'curl is missing' >&2; exit 1; }
command -v sudo > /dev/null || { echo 'sudo, with which the nucleus starts components, is missing' >&2; exit 1; }
command -v unzip > /dev/null || { echo 'unzip is missing' >&2; exit 1; }
command -v node > /dev/null || { echo 'Node.js >= 20.19 is missing' >&2; exit 1; }
getent group ggc_group > /dev/null || groupadd --system ggc_group
getent passwd ggc_user > /dev/null || useradd --system --create-home --gid ggc_group ggc_user

${serverFilesScript(serverFolder)}
install -d -m 0755 ${ROOT}
install -m 0600 "${credentials.certificate}" ${ROOT}/device.pem.crt
install -m 0600 "${credentials.privateKey}" ${ROOT}/private.pem.key
install -m 0644 "${credentials.ca}" ${ROOT}/AmazonRootCA1.pem

if [ ! -e ${ROOT}/alts/current ]; then
  installer=$(mktemp -d)
  curl -fsS -o "$installer/nucleus.zip" \\
    https://d2s8p88vqu9w66.cloudfront.net/releases/greengrass-${NUCLEUS_VERSION}.zip
  unzip -q "$installer/nucleus.zip" -d "$installer/nucleus"
  java -Droot=${ROOT} -Dlog.store=FILE -jar "$installer/nucleus/lib/Greengrass.jar" \\
    --init-config nucleus.yaml --component-default-user ggc_user:ggc_group --setup-system-service true
  rm -rf "$installer"
fi
`;
}

export function nodeReadme(
  texts: NodeTexts,
  { command, isNew }: { command: string; isNew: boolean },
): string {
  const { group, serverFolder } = texts;
  const hasScript = isNew || serverFolder !== undefined;
  return `# Greengrass core of group ${group}

${hasScript ? commandText(command, isNew) : 'Nothing has to be done on the node: the core comes by its deployment.'}

${isNew ? newNodeText(texts) : existingNodeText(texts)}

The deployment that brings the edge core to it is made already; it starts as soon as the node is online. Its
log is in \`/greengrass/v2/logs/\`. ${serverFolder === undefined ? CLIENT_DEVICES_TEXT : certificateText(serverFolder)}
`;
}

function commandText(command: string, isNew: boolean): string {
  return `Copy this folder to the node; it holds private keys. As root, run there:

    ${command}${isNew ? '' : '\n\nThe script lays down the server certificate and nothing else.'}`;
}

function newNodeText({ thingName }: NodeTexts): string {
  return `It makes ${thingName} a Greengrass core device: it installs the Greengrass nucleus ${NUCLEUS_VERSION} with the
credentials in this folder. It needs Linux with systemd (x64 or arm64), Java, unzip, curl, and Node.js >= 20.19
on the path of every user.`;
}

function existingNodeText({ thingName, roleAlias }: NodeTexts): string {
  return `${thingName} is a Greengrass core device already. The node needs Node.js >= 20.19 on the path of every user.
The role alias of its nucleus has to be \`${roleAlias}\`: the HTTP API of the service knows cores by that role.`;
}

function certificateText(serverFolder: string): string {
  return `Devices know it by the certificate that the script copies to
\`${serverFolder}\`, which is valid for 397 days: run \`sls edge core init\` again with this folder as
\`--out\`, copy it here, run the script again, and then \`systemctl restart greengrass\`: the core reads it
when it starts.`;
}

const CLIENT_DEVICES_TEXT = `Devices connect to
Greengrass's own broker, for which its client device components have to be deployed to this core device:
see docs/engines.md of serverless-edge-on-demand.`;
