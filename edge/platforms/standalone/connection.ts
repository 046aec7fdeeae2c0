import { readFile } from 'node:fs/promises';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { Logger } from 'pino';
import { backgroundClock } from '../../../lib/clock';
import { createCloud } from '../../cloud/cloud';
import { announceConnectivity, connectivityOf } from '../../cloud/connectivity';
import { createCredentialsProvider } from '../../cloud/credentials';
import { createHttpClient, type HttpClient } from '../../cloud/http';
import { MqttUpstream } from '../../cloud/mqttUpstream';
import { createSignedHttp } from '../../cloud/signedHttp';
import type { CloudConnection } from '../../ports';
import type { CoreConfig } from '../../../protocol/coreConfig';

/** The ways to the cloud of a core that has a certificate of its own. Throws when a file cannot be read. */
export async function connectByCertificate(config: CoreConfig, log: Logger): Promise<CloudConnection> {
  const { certificate, privateKey, ca } = config.upstream;
  const read = (file: string) => readFile(file, 'utf8');
  const identity = {
    certificate: await read(certificate),
    privateKey: await read(privateKey),
    ...(ca !== undefined && { ca: await read(ca) }),
  };
  return connectCloud(config, identity, log);
}

/** PEM, read from the files that the configuration names. */
export interface UpstreamIdentity {
  ca?: string;
  certificate: string;
  privateKey: string;
}

export function connectCloud(
  config: CoreConfig,
  identity: UpstreamIdentity,
  log: Logger,
): CloudConnection & { upstream: MqttUpstream } {
  const { ca, certificate: cert, privateKey: key } = identity;
  const { core, group, corePrefix, listen } = config;
  const { region, roleAlias, credentialsUrl, httpUrl, connectivityUrl, mqtt } = config.upstream;
  const clock = backgroundClock;
  // Presigned URLs may lead to a server of the system's authorities, whatever signs the others.
  const http = createHttpClient(
    createSecureContext(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
  );
  const mutual = createHttpClient(createSecureContext({ cert, key, ...(ca !== undefined && { ca }) }));
  const credentials = createCredentialsProvider({ core, credentialsUrl, roleAlias, http: mutual, clock });
  const upstream = new MqttUpstream({
    ...{ core, corePrefix, ...mqtt, ...identity, log, random: Math.random },
  });
  const routes = createSignedHttp({
    ...{ region, service: 'execute-api', credentials, http: hurrying(http, upstream) },
  });
  let announcement: { stop: () => void } | undefined;

  return {
    cloud: createCloud({ group, httpUrl, signed: routes, http }),
    upstream,
    announce(port) {
      if (connectivityUrl === undefined) return;
      const info = connectivityOf(listen.host, port);
      const signed = createSignedHttp({ region, service: 'greengrass', credentials, http });
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

/** Where HTTP gets through, MQTT has no reason to pause between its attempts. */
function hurrying(http: HttpClient, upstream: MqttUpstream): HttpClient {
  return {
    ...http,
    async send(request) {
      const answer = await http.send(request);
      upstream.hurry();
      return answer;
    },
  };
}
