import { connect } from 'node:tls';
import { isIP } from 'node:net';
import { EdgeError } from '../protocol/errors';
import type { Identity } from './identity';
import type { Candidate } from './link';

/**
 * A TLS handshake with a candidate, before the SDK is let at it. The SDK can neither cancel a
 * connection attempt nor say why TLS failed, and after a certificate that it does not trust it lingers
 * for up to 30 s, in which the process cannot exit (s2n's blinding). Throws EDGE_NOT_FOUND.
 */
export function probe(
  candidate: Candidate,
  identity: Identity,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const { host, port, ca } = candidate;
    const socket = connect({
      host,
      port,
      cert: identity.certificate,
      key: identity.privateKey,
      ...(ca === undefined ? {} : { ca }),
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.destroy();
      settle();
    };
    const fail = (reason: string, cause?: unknown): void =>
      finish(() => reject(new EdgeError('EDGE_NOT_FOUND', reason, { details: { host, port }, cause })));
    const abort = (): void => finish(() => reject(signal.reason as Error));
    const timer = setTimeout(() => fail(`no TLS connection within ${ms} ms`), ms);
    signal.addEventListener('abort', abort);
    socket.once('secureConnect', () => finish(resolve));
    socket.on('error', (error) => fail(error.message, error));
  });
}
