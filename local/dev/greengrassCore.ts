import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Operator } from '../../operations/operator';
import { deployCoreComponent } from '../../operations/cores/greengrass/coreComponent';
import { ensureGreengrassPolicy } from '../../operations/cores/greengrass/corePolicy';
import type { GroupDefinition } from '../../protocol';
import type { EdgeOptions, EdgePlace } from './edge';
import { projectRoot } from './projectRoot';

const HOST = '127.0.0.1';
const SERVER_NAMES = ['localhost', HOST];
const OWNER_ONLY = 0o600;

/** What an operator does for a core that Greengrass runs, short of setting up the node. */
export class GreengrassCore {
  constructor(
    private readonly operator: Operator,
    private readonly place: EdgePlace,
    private readonly options: EdgeOptions,
  ) {}

  /** Lets the nucleus connect. */
  async admit(): Promise<void> {
    await ensureGreengrassPolicy(this.#access, this.place.core);
  }

  /** Lays the server certificate down where the core finds it, and deploys the core there. */
  async deploy(definition: GroupDefinition): Promise<void> {
    const { cloud, core } = this.place;
    const { port = 0, poolSize, logLevel } = this.options;
    const dir = this.options.stateDir ?? this.place.stateDir;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const server = await cloud.authority.issueServer({ commonName: core.thingName, hosts: SERVER_NAMES });
    const [certificate, privateKey] = [join(dir, 'server.pem'), join(dir, 'server.key')];
    await writeFile(certificate, server.certificatePem, { mode: OWNER_ONLY });
    await writeFile(privateKey, server.privateKeyPem, { mode: OWNER_ONLY });
    await deployCoreComponent(this.#access, {
      ...{ definition, core: core.thingName, region: cloud.region },
      bundles: join(projectRoot(), 'dist', 'edge'),
      sdkFrom: projectRoot(),
      connectivityUrl: cloud.endpoints.greengrass,
      listen: { host: HOST, port, certificate, privateKey },
      settings: { ...(poolSize !== undefined && { poolSize }), ...(logLevel && { logLevel }) },
    });
  }

  get #access() {
    return { operator: this.operator, outputs: this.place.outputs };
  }
}
