import { createServer } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

export const LOOPBACK = '127.0.0.1';
const EVERYWHERE = ['0.0.0.0', '::'];

/** The addresses at which others reach a listener on `host`, the best one first. */
export function addressesOf(host: string): string[] {
  if (!EVERYWHERE.includes(host)) return [host];
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reachable = all.filter(({ family, internal }) => family === 'IPv4' && !internal);
  return reachable.length > 0 ? reachable.map(({ address }) => address) : [LOOPBACK];
}

/** What a server certificate must name, so that devices trust a listener on `host` however they call it. */
export function namesOf(host: string): string[] {
  const own = isLoopback(host) ? [] : [hostname(), ...addressesOf(host)];
  return [...new Set(['localhost', LOOPBACK, ...own])];
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** Whether somebody listens there already, or this machine has no such address: the system's code. */
export function whyNotListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'unknown'));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
