import { randomUUID } from 'node:crypto';
import { EdgeError } from '../protocol/errors';
import { DEFAULT_DEVICE_PREFIX } from '../protocol/topics';
import { version } from './package.json';
import {
  invalidOption,
  requirePort,
  requirePrefix,
  requireText,
  requireThingName,
  requireTimeout,
} from './checks';
import { monotonicClock } from '../lib/clock';
import { discover, type DiscoveryServer } from './discovery';
import { readIdentity, readPem, type DeviceCredentials } from './identity';
import type { Candidate } from './link';
import { sdkLinks } from './sdkLink';
import { DeviceSession } from './session';
import type { ConnectOptions, DiscoveryOptions } from './types';

const CONNECT_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_SECONDS = 30;

export interface OpenedSession {
  session: DeviceSession;
  prefix: string;
  thingName: string;
}

/** Checks the options, reads the certificates, and opens a session over links of the SDK. */
export async function openSession(options: ConnectOptions): Promise<OpenedSession> {
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null)
    throw invalidOption('options', 'an object');
  const thingName = requireThingName(options.thingName);
  const prefix = requirePrefix(options.prefix ?? DEFAULT_DEVICE_PREFIX);
  const timeoutMs = requireTimeout(options.timeout, CONNECT_TIMEOUT_MS);
  const keepAliveSeconds = requireKeepAlive(options.keepAlive);
  const identity = await readIdentity({ ...options, thingName });
  const session = await DeviceSession.open(
    { thingName, prefix, client: { name: 'serverless-edge-on-demand-device', version } },
    {
      locate: await locator(options, identity),
      openLink: sdkLinks({ identity, keepAliveSeconds }),
      clock: monotonicClock,
      random: Math.random,
      newId: randomUUID,
    },
    { timeoutMs, signal: options.signal },
  );
  return { session, prefix, thingName };
}

/** Where edge cores are: fixed, or asked for anew each time. */
async function locator(
  { ca, discovery, endpoint }: ConnectOptions,
  identity: DeviceCredentials,
): Promise<(signal: AbortSignal) => Promise<Candidate[]>> {
  if ((discovery === undefined) === (endpoint === undefined)) {
    throw invalidOption('discovery', 'either "discovery" or "endpoint"');
  }
  const own = await readCa(endpoint ? (endpoint.ca ?? ca) : (discovery.ca ?? ca));
  if (discovery !== undefined) {
    const server = { ...discoveryServer(discovery), ...own };
    return (signal) => discover(server, identity, signal);
  }
  const host = requireText(endpoint.host, 'endpoint.host');
  const port = requirePort(endpoint.port, 'endpoint.port');
  return () => Promise.resolve([{ host, port, ...own, given: true }]);
}

function discoveryServer(options: DiscoveryOptions): Omit<DiscoveryServer, 'ca'> {
  const given: { url?: string; host?: string; port?: number } = options;
  if (given.url === undefined) {
    const { host, port } = given;
    return { host: requireText(host, 'discovery.host'), port: requirePort(port, 'discovery.port') };
  }
  const url = URL.canParse(given.url) ? new URL(given.url) : undefined;
  if (url?.protocol !== 'https:') throw invalidOption('discovery.url', 'an https URL');
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 443) };
}

async function readCa(ca: string | undefined): Promise<{ ca?: string }> {
  return ca === undefined ? {} : { ca: await readPem(ca, 'ca') };
}

function requireKeepAlive(value: number | undefined): number {
  if (value === undefined) return KEEP_ALIVE_SECONDS;
  if (Number.isInteger(value) && value >= 5 && value <= 65_535) return value;
  throw new EdgeError('BAD_REQUEST', 'keepAlive: expected 5 to 65535 seconds', { field: 'keepAlive' });
}
