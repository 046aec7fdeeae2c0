import { connect } from 'node:net';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { Logger } from 'pino';
import { EdgeError } from '../../../protocol';
import type { CoreConfiguration } from '../../../protocol/greengrass/coreConfiguration';
import type { Clock } from '../../../lib/clock';
import { createCloud } from '../../cloud/cloud';
import type { CloudConnection } from '../../ports';
import { announceConnectivity, connectivityOf } from '../../cloud/connectivity';
import { createHttpClient } from '../../cloud/http';
import { createSignedHttp, type SignedHttp } from '../../cloud/signedHttp';
import { createTokenExchange } from '../../cloud/credentials';
import { revisionOf } from './configuration';
import type { NucleusClient } from './nucleus';
import { NucleusUpstream } from './upstream';

const PROBE_MS = 5_000;

/**
 * The ways to the cloud of a core that is a Greengrass component: messages through the nucleus, HTTP with
 * the credentials of its token exchange.
 */
export async function connectOverNucleus(options: {
  core: string;
  configuration: CoreConfiguration;
  nucleus: NucleusClient;
  variables: NodeJS.ProcessEnv;
  clock: Clock;
  log: Logger;
}): Promise<CloudConnection> {
  const { core, configuration, nucleus, variables, clock, log } = options;
  const { group, corePrefix, region, httpUrl, connectivityUrl, ca, listen } = configuration;
  const http = createHttpClient(
    createSecureContext(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
  );
  const credentials = createTokenExchange({ variables, http, clock });
  const signedFor = (service: string) => createSignedHttp({ region, service, credentials, http });
  const probe = () => isReachable(new URL(httpUrl));
  const upstream = new NucleusUpstream({ nucleus, core, corePrefix, clock, log, random: Math.random, probe });
  const signed = telling(signedFor('execute-api'), upstream);
  let announcement: { stop: () => void } | undefined;
  await nucleus.onConfigurationUpdate('revision', () => {
    revisionOf(nucleus).then(
      (revision) => upstream.notice({ group, revision }),
      (err: unknown) => log.warn({ err }, 'the configuration cannot be read'),
    );
  });
  return {
    cloud: createCloud({ group, httpUrl, signed, http }),
    upstream,
    announce(port) {
      if (connectivityUrl === undefined || listen === undefined) return;
      const info = connectivityOf(listen.host, port);
      const greengrass = signedFor('greengrass');
      announcement = announceConnectivity({ connectivityUrl, core, info, signed: greengrass, clock, log });
    },
    async close() {
      announcement?.stop();
      await upstream.close();
      http.close();
      await nucleus.close();
    },
  };
}

/** Tells whether the cloud answers. A call that may not be repeated may also just take its time. */
function telling(signed: SignedHttp, upstream: NucleusUpstream): SignedHttp {
  return {
    async send(request) {
      try {
        const answer = await signed.send(request);
        upstream.reached();
        return answer;
      } catch (error) {
        const isAway = error instanceof EdgeError && error.code === 'CLOUD_UNREACHABLE';
        if (isAway && request.repeatable) upstream.lost();
        throw error;
      }
    },
  };
}

function isReachable({ protocol, hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) || (protocol === 'http:' ? 80 : 443) });
    const answer = (reachable: boolean) => {
      socket.destroy();
      resolve(reachable);
    };
    socket.setTimeout(PROBE_MS, () => answer(false));
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
