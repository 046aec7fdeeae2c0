import { networkInterfaces } from 'node:os';
import type { Logger } from 'pino';
import { backoffMs } from '../../lib/backoff';
import type { Clock, Timer } from '../../lib/clock';
import type { SignedHttp } from './signedHttp';

/**
 * Tells the Greengrass control plane where this core listens, so that devices find it by discovery:
 * `UpdateConnectivityInfo`, PUT /greengrass/things/<core>/connectivityInfo.
 */
interface Connectivity {
  Id: string;
  HostAddress: string;
  PortNumber: number;
  Metadata: string;
}

const TIMEOUT_MS = 10_000;
const RETRY = { first: 500, most: 60_000 };

/** The addresses at which devices reach a listener on `host`. */
export function connectivityOf(host: string, port: number): Connectivity[] {
  const addresses = host === '0.0.0.0' || host === '::' ? ownAddresses() : [host];
  return addresses.map((address) => ({ Id: address, HostAddress: address, PortNumber: port, Metadata: '' }));
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reachable = all.filter(({ family, internal }) => family === 'IPv4' && !internal);
  return reachable.length > 0 ? reachable.map(({ address }) => address) : ['127.0.0.1'];
}

/** Tries in the background until the control plane has it: devices that know the address need no discovery. */
export function announceConnectivity(options: {
  connectivityUrl: string;
  core: string;
  info: Connectivity[];
  signed: SignedHttp;
  clock: Clock;
  log: Logger;
}): { stop: () => void } {
  const { core, info, signed, clock, log } = options;
  const base = options.connectivityUrl.replace(/\/$/, '');
  const url = new URL(`${base}/greengrass/things/${encodeURIComponent(core)}/connectivityInfo`);
  let timer: Timer | undefined;
  let stopped = false;

  async function put(): Promise<void> {
    const { status } = await signed.send({
      method: 'PUT',
      url,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ConnectivityInfo: info }),
      timeoutMs: TIMEOUT_MS,
      maxBytes: 64 * 1024,
      repeatable: true,
    });
    if (status >= 300) throw new Error(`answered ${status}`);
  }

  async function attempt(failures = 0): Promise<void> {
    try {
      await put();
      log.info({ addresses: info.map(({ HostAddress }) => HostAddress) }, 'connectivity announced');
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'connectivity not announced yet');
      if (stopped) return;
      timer = clock.setTimeout(() => void attempt(failures + 1), backoffMs(failures, RETRY));
    }
  }

  void attempt();
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
