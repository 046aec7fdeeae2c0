import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { loadOrCreateAuthority } from '../../../lib/x509/authority';
import { listen } from '../../../local/base/http';

it('shows the client certificate to the handler, and closes with a handshake under way', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'edge-http-'));
  const authority = await loadOrCreateAuthority(directory);
  const server = await authority.issueServer({ commonName: 'localhost', hosts: ['127.0.0.1'] });
  const client = await authority.issueClient({ commonName: 'device-1' });
  const { port, url, close } = await listen({
    host: '127.0.0.1',
    log: pino({ level: 'silent' }),
    closeGraceMs: 1,
    tls: {
      cert: server.certificatePem,
      key: server.privateKeyPem,
      ca: authority.certificatePem,
      requestCert: true,
      rejectUnauthorized: true,
    },
    handle: async ({ socket }) => ({
      status: 200,
      headers: { 'x-peer': String((socket as TLSSocket).getPeerCertificate().subject.CN) },
    }),
  });
  expect(url).toBe(`https://127.0.0.1:${port}`);
  const sent = request(url, {
    ca: authority.certificatePem,
    cert: client.certificatePem,
    key: client.privateKeyPem,
  }).end();
  const [response] = (await once(sent, 'response')) as [{ headers: Record<string, string>; resume(): void }];
  expect(response.headers['x-peer']).toBe('device-1');
  response.resume();
  const mute = connect(port, '127.0.0.1');
  await once(mute, 'connect');
  await close();
  await once(mute.resume(), 'close');
  rmSync(directory, { recursive: true });
});
