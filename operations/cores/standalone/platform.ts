import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeOwnBroker, reachLines, refusePubSub, type OwnBroker } from '../ownBroker';
import { coreHeadline, HOLDS_KEYS, type CorePlatform, type CoreTrip } from '../platform';
import { pathInside } from '../../things/thingFiles';

const BUNDLES = ['core.cjs', 'functionProcess.cjs'];
const OWNER_ONLY = 0o600;
const MQTT_PORT = 8883;
const START_COMMAND = 'node core.cjs --config core.json';

/**
 * A folder that runs as the core with one command: credentials, configuration, the bundle, a unit for
 * systemd. Again with the same folder it renews the certificate of the core's server.
 */
export const standalone: CorePlatform = {
  steps(given) {
    refusePubSub(given, 'standalone');
    return {
      usesDiscovery: true,
      async prepare(trip) {
        const { listen, listener } = await makeOwnBroker(trip.options);
        const unit = `edge-${trip.options.group}.service`;
        await writeFolder(trip, listen, unit);
        return {
          listener,
          facts: { command: START_COMMAND, unit, hosts: listener.hosts, port: listener.port },
          lines: [
            coreHeadline(trip),
            'Copy it to the node, which needs Node.js >= 20.19 and nothing else, and run there:',
            '',
            `  ${START_COMMAND}`,
            '',
            ...reachLines(listener),
            `To keep it running, see ${unit} there.`,
            HOLDS_KEYS,
          ],
        };
      },
    };
  },
};

async function writeFolder(trip: CoreTrip, listen: OwnBroker['listen'], unit: string): Promise<void> {
  const { out, bundles, group } = trip.options;
  const config = await configOf(trip, listen);
  await writeFile(join(out, 'core.json'), `${JSON.stringify(config, null, 2)}\n`, { mode: OWNER_ONLY });
  for (const name of BUNDLES) await copyFile(join(bundles, name), join(out, name));
  await writeFile(join(out, unit), systemdUnit(group));
  await writeFile(join(out, 'README.md'), coreReadme(group, START_COMMAND));
}

/** In the form of protocol/coreConfig.ts, which the core checks; paths are relative to the file. */
async function configOf({ access, options, files }: CoreTrip, listen: OwnBroker['listen']) {
  const { operator, outputs } = access;
  const { data, credentialProvider } = await operator.endpoints();
  const [host, port] = data.split(':');
  const inside = pathInside(options.out);
  return {
    core: options.core,
    group: options.group,
    stateDir: 'state',
    devicePrefix: outputs.devicePrefix,
    corePrefix: outputs.corePrefix,
    listen,
    upstream: {
      region: options.region,
      ...(options.cloudCa !== undefined && { ca: inside(files?.ca) }),
      certificate: inside(files?.certificate),
      privateKey: inside(files?.privateKey),
      mqtt: { host, port: port === undefined ? MQTT_PORT : Number(port) },
      httpUrl: outputs.httpApiUrl,
      credentialsUrl: `https://${credentialProvider}`,
      roleAlias: outputs.roleAlias,
      connectivityUrl: options.connectivityUrl,
    },
  };
}

const FOLDER = '/opt/edge-';

function systemdUnit(group: string): string {
  return `# As root, in the folder that "sls edge core init" made:
#   useradd --system edge; cp -r . ${FOLDER}${group}; chown -R edge ${FOLDER}${group}
#   cp edge-${group}.service /etc/systemd/system/; systemctl enable --now edge-${group}
[Unit]
Description=Edge core of group ${group} (serverless-edge-on-demand)
Wants=network-online.target
After=network-online.target

[Service]
User=edge
WorkingDirectory=${FOLDER}${group}
ExecStart=/usr/bin/env node core.cjs --config core.json
Restart=always
RestartSec=2
# A core ends its functions in order on SIGTERM.
TimeoutStopSec=15
NoNewPrivileges=true
ProtectSystem=full
ProtectHome=true
PrivateTmp=true

[Install]
WantedBy=multi-user.target
`;
}

function coreReadme(group: string, command: string): string {
  return `# Edge core of group ${group}

Needs Node.js >= 20.19 and nothing else. Copy this folder to the node; it holds private keys. Start it:

    ${command}

It logs JSON lines to stdout and stops on SIGTERM. \`state/\` survives restarts. To run it for good, see
\`edge-${group}.service\`. Its server certificate is valid for 397 days: run \`sls edge core init\` again
with this folder as \`--out\`, copy it here again, and restart the core, which reads it when it starts.
`;
}
