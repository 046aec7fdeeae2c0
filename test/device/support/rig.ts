import { createServer, type AddressInfo } from 'node:net';
import type { IssuedCertificate } from '../../../lib/x509/issue';
import { createAuthority, type TestAuthority } from './certificates';
import { Workshop } from './program';
import { StandInEdge, type Answer, type Heard, type StandInOptions } from './standInEdge';

const DIGEST = 'a'.repeat(64);

/** What a test of the real client needs: where it runs, who vouches for whom, and edges to talk to. */
export class Rig {
  readonly workshop: Workshop;
  readonly authority: TestAuthority;
  readonly device: IssuedCertificate;
  readonly #server: IssuedCertificate;
  readonly #edges: StandInEdge[] = [];

  private constructor(
    workshop: Workshop,
    authority: TestAuthority,
    server: IssuedCertificate,
    device: IssuedCertificate,
  ) {
    this.workshop = workshop;
    this.authority = authority;
    this.#server = server;
    this.device = device;
  }

  static async create(): Promise<Rig> {
    const authority = await createAuthority('edge authority');
    const server = await authority.server();
    return new Rig(await Workshop.create(), authority, server, await authority.device('sensor-1'));
  }

  async startEdge(options: Partial<StandInOptions> = {}): Promise<StandInEdge> {
    const edge = new StandInEdge({
      server: this.#server,
      admitted: [this.device.certificateId],
      script: happily,
      ...options,
    });
    this.#edges.push(edge);
    await edge.start();
    return edge;
  }

  /** Options of `connect` without an address. */
  credentials(): Record<string, unknown> {
    return {
      thingName: 'sensor-1',
      certificate: this.device.certificatePem,
      privateKey: this.device.privateKeyPem,
      ca: this.authority.ca,
    };
  }

  at({ port }: { port: number }): Record<string, unknown> {
    return { ...this.credentials(), endpoint: { host: '127.0.0.1', port } };
  }

  async stopEdges(): Promise<void> {
    for (const edge of this.#edges.splice(0)) await edge.stop();
  }
}

/** What an edge says when all goes well. */
export function happily(heard: Heard, answer: Answer): void {
  const { requestId } = heard.message;
  const served = { requestId, function: 'detectAnomaly', version: '1.4.0' };
  if (heard.kind === 'request') {
    answer('available', { ...served, digest: DIGEST, size: 1024, locations: ['edge'], expiresInMs: 30_000 });
  } else if (heard.kind === 'confirm') {
    answer('progress', { requestId, function: 'detectAnomaly', stage: 'confirmed' });
    answer('progress', { requestId, function: 'detectAnomaly', stage: 'starting' });
    answer('ready', {
      ...served,
      revision: 2,
      callTopic: `edge/${heard.device}/call/detectAnomaly`,
      present: false,
    });
  } else if (heard.kind === 'invoke') {
    const { input, location } = heard.message;
    const output = { echo: input };
    answer('result', { ...served, location: location === 'cloud' ? 'cloud' : 'edge', output, durationMs: 1 });
  } else if (heard.kind === 'release') {
    answer('released', { requestId, function: 'detectAnomaly' });
  } else if (heard.kind === 'prefetch') {
    answer('prefetched', { ...served, size: 1024 });
  }
}

/** A port of 127.0.0.1 on which nobody listens. */
export async function deadPort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  return port;
}
