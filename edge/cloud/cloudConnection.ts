import { createSecureContext, rootCertificates } from 'node:tls';
import type { Logger } from 'pino';
import type { CoreConfig } from '../../protocol/coreConfig';
import type { Cloud, Upstream } from '../ports';
import type { Clock } from '../../lib/clock';
import { createCloud } from './cloud';
import { announceConnectivity, connectivityOf } from './connectivity';
import { createCredentialsProvider } from './credentials';
import { createHttpClient, type HttpClient } from './http';
import { connectUpstream } from './mqttUpstream';
import { createSignedHttp } from './signedHttp';

/** PEM, read from the files that the configuration names. */
export interface UpstreamIdentity {
  ca?: string;
  certificate: string;
  privateKey: string;
}

/** All of the core's ways to the cloud, which share credentials and connections. */
export interface CloudConnection {
  cloud: Cloud;
  upstream: Upstream;
  /** Tells where the core listens, if the configuration names a control plane. */
  announce(port: number): void;
  close(): Promise<void>;
}

export function connectCloud(options: {
  config: CoreConfig;
  identity: UpstreamIdentity;
  clock: Clock;
  log: Logger;
  random(): number;
}): CloudConnection {
  const { config, identity, clock, log, random } = options;
  const { ca, certificate, privateKey } = identity;
  const { region, roleAlias, credentialsUrl, httpUrl, connectivityUrl } = config.upstream;
  // Presigned URLs may lead to a server of the system's authorities, whatever signs the others.
  const trusted = ca === undefined ? {} : { ca: [...rootCertificates, ca] };
  const http = createHttpClient(createSecureContext(trusted));
  const mutual = createHttpClient(
    createSecureContext({ cert: certificate, key: privateKey, ...(ca !== undefined && { ca }) }),
  );
  const credentials = createCredentialsProvider({
    core: config.core,
    credentialsUrl,
    roleAlias,
    http: mutual,
    clock,
  });
  const routes: HttpClient = {
    ...http,
    async send(request) {
      const answer = await http.send(request);
      upstream.hurry();
      return answer;
    },
  };
  const signedFor = (service: string) =>
    createSignedHttp({ region, service, credentials, http: service === 'execute-api' ? routes : http });
  const cloud = createCloud({ group: config.group, httpUrl, signed: signedFor('execute-api'), http });
  const { core, corePrefix } = config;
  const upstream = connectUpstream({ core, corePrefix, ...config.upstream.mqtt, ...identity, log, random });
  let announcement: { stop(): void } | undefined;

  return {
    cloud,
    upstream,
    announce(port) {
      if (connectivityUrl === undefined) return;
      const info = connectivityOf(config.listen.host, port);
      const signed = signedFor('greengrass');
      announcement = announceConnectivity({ connectivityUrl, core, info, signed, clock, log });
    },
    async close() {
      announcement?.stop();
      await upstream.close();
      http.close();
      mutual.close();
    },
  };
}
