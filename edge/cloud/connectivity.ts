import { networkInterfaces } from 'node:os';
import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock';
import type { SignedHttp } from './signedHttp';

/**
 * Tells the Greengrass control plane where this core listens, so that devices find it by discovery:
 * `UpdateConnectivityInfo`, PUT /greengrass/things/<core>/connectivityInfo.
 */
export interface ConnectivityInfo {
  Id: string;
  HostAddress: string;
  PortNumber: number;
  Metadata: string;
}

const TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 60_000;

/** The addresses at which devices reach a listener on `host`. */
export function connectivityOf(host: string, port: number): ConnectivityInfo[] {
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
  info: ConnectivityInfo[];
  signed: SignedHttp;
  clock: Clock;
  log: Logger;
}): { stop(): void } {
  const { core, info, signed, clock, log } = options;
  const base = options.connectivityUrl.replace(/\/$/, '');
  const url = new URL(`${base}/greengrass/things/${encodeURIComponent(core)}/connectivityInfo`);
  let timer: { cancel(): void } | undefined;
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

  async function attempt(retryMs: number): Promise<void> {
    try {
      await put();
      log.info({ addresses: info.map(({ HostAddress }) => HostAddress) }, 'connectivity announced');
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'connectivity not announced yet');
      const again = () => void attempt(Math.min(retryMs * 2, MAX_RETRY_MS));
      if (!stopped) timer = clock.setTimeout(again, retryMs);
    }
  }

  void attempt(FIRST_RETRY_MS);
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}
