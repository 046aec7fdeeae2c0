import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareBroker, reachLines, refusePubSub, type OwnBroker } from '../ownBroker';
import { coreHeadline, HOLDS_KEYS, type CorePlatform, type CoreTrip } from '../platform';
import { pathInside } from '../../things/thingFiles';
import { coreReadme, systemdUnit } from './nodeTexts';

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
        const { listen, listener } = await prepareBroker(trip.options);
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
