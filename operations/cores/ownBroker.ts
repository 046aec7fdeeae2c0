import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadOrCreateAuthority } from '../../lib/x509/authority';
import { EdgeError } from '../../protocol';
import { DEVICE_WAYS, type DeviceWay } from '../../protocol/greengrass/coreConfiguration';
import type { Listener } from '../groups/listener';
import type { CoreInitOptions, GivenOptions } from './platform';

/** How devices reach a core: by the core's own broker, or by one of Greengrass's. */

const OWNER_ONLY = 0o600;
const THIS_MACHINE = ['localhost', '127.0.0.1'];
/** A core without a broker of ours has neither an address nor a certificate for devices. */
const OF_THE_BROKER = ['host', 'port', 'server-dir'];

export interface OwnBroker {
  /** For the configuration of the core, which runs on the node. */
  listen: { host: string; port: number; certificate: string; privateKey: string };
  /** For the devices. */
  listener: Listener;
}

/**
 * Writes `server.pem` and `server.key`, signed by the service's own authority, into the core's folder. On
 * the node they lie in `folder`; left out, where the core's configuration does.
 */
export async function makeOwnBroker(
  { authorityDir, core, out, hosts, port }: CoreInitOptions,
  folder?: string,
): Promise<OwnBroker> {
  const names = [...new Set([...hosts, ...THIS_MACHINE])];
  const authority = await loadOrCreateAuthority(authorityDir, 'serverless-edge-on-demand edges');
  const server = await authority.issueServer({ commonName: core, hosts: names });
  await writeFile(join(out, 'server.pem'), server.certificatePem, { mode: OWNER_ONLY });
  await writeFile(join(out, 'server.key'), server.privateKeyPem, { mode: OWNER_ONLY });
  const onNode = (file: string): string => (folder === undefined ? file : `${folder}/${file}`);
  return {
    listen: {
      host: hosts.length === 0 ? '127.0.0.1' : '0.0.0.0',
      port,
      certificate: onNode('server.pem'),
      privateKey: onNode('server.key'),
    },
    listener: { format: 1, hosts: names, port, ca: authority.certificatePem },
  };
}

export function reachLines({ hosts, port }: Listener): string[] {
  const reachable = hosts.some((host) => !THIS_MACHINE.includes(host));
  return [
    `Devices reach it at ${hosts.map((host) => `${host}:${port}`).join(', ')}.`,
    ...(reachable ? [] : ['Only from the node itself: name it as devices see it with --host.']),
  ];
}

/** `--devices`. Throws BAD_REQUEST. */
export function deviceWayOf(given: GivenOptions): DeviceWay {
  const name = given('devices') ?? 'broker';
  const known = DEVICE_WAYS.find((way) => way === name);
  if (known !== undefined) return known;
  throw new EdgeError('BAD_REQUEST', `--devices: found ${name}`, { expected: DEVICE_WAYS.join(' or ') });
}

/** For a platform that leaves no choice. Throws BAD_REQUEST. */
export function refusePubSub(given: GivenOptions, platform: string): void {
  if (deviceWayOf(given) !== 'pubsub') return;
  throw new EdgeError('BAD_REQUEST', `--devices: found pubsub with --platform ${platform}`, {
    expected: '--platform greengrassv2',
  });
}

/** Where devices connect to Greengrass's broker; `reason`: the option that says so. Throws BAD_REQUEST. */
export function refuseBrokerOptions(given: GivenOptions, reason: string): void {
  const found = OF_THE_BROKER.find((name) => given(name) !== undefined);
  if (found === undefined) return;
  throw new EdgeError('BAD_REQUEST', `--${found}: found with ${reason}`, {
    expected: "no such option: devices connect to Greengrass's broker, whose address discovery tells",
  });
}
