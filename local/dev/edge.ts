import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CoreConfig } from '../../protocol/coreConfig';
import { EdgeError } from '../../protocol';
import type { LocalCloud } from '../cloud';
import type { ServiceOutputs } from '../../operations/outputs';
import { startProcess, type NodeProcess, type ProcessEvent, type ProcessExit } from './process';
import { projectRoot } from './projectRoot';
import type { ThingFiles } from '../../operations/things/thingFiles';

export interface EdgeOptions {
  /** Port for devices; 0 takes a free one. */
  port?: number;
  poolSize?: number;
  /** Folder of the core's configuration and state. */
  stateDir?: string;
  logLevel?: CoreConfig['logLevel'];
  /** Changes the way to the cloud: a test puts a wire in between that it can cut. */
  upstream?(upstream: CoreConfig['upstream']): CoreConfig['upstream'];
  /** With a listener the core also tells exchanges, which costs it a little. */
  onEvent?(event: ProcessEvent): void;
  /** Every line of the core's log, as JSON text. */
  onLine?(line: string): void;
}

export interface Edge {
  readonly group: string;
  readonly core: string;
  /** Where devices connect. */
  readonly host: string;
  readonly port: number;
  readonly configFile: string;
  readonly process: NodeProcess;
  stop(): Promise<ProcessExit>;
  /** As a power cut would end it. */
  kill(): Promise<ProcessExit>;
}

export interface EdgePlace {
  cloud: LocalCloud;
  outputs: ServiceOutputs;
  group: string;
  core: ThingFiles;
  stateDir: string;
}

const HOST = '127.0.0.1';
const SERVER_NAMES = ['localhost', HOST];
const CORE_BUNDLE = 'dist/edge/core.cjs';
const OWNER_ONLY = 0o600;

/** Writes the core's configuration and starts it; resolves when it listens for devices. */
export async function startEdgeProcess(place: EdgePlace, options: EdgeOptions = {}): Promise<Edge> {
  const script = join(projectRoot(), CORE_BUNDLE);
  if (!existsSync(script)) throw new EdgeError('NOT_FOUND', `${script} is not built: npm run build`);
  const configFile = await writeConfig(place, options);
  const child = startProcess({
    name: `edge core ${place.core.thingName}`,
    script,
    args: ['--config', configFile],
    env: { ...coreEnvironment(), ...(options.onEvent && { EDGE_TRACE: '1' }) },
    ...(options.onEvent && { onEvent: options.onEvent }),
    ...(options.onLine && { onLine: options.onLine }),
  });
  try {
    const { port } = await child.waitFor('listening');
    if (typeof port !== 'number') throw new EdgeError('INTERNAL', `${child.name} told no port`);
    return {
      group: place.group,
      core: place.core.thingName,
      host: HOST,
      port,
      configFile,
      process: child,
      stop: () => child.stop(),
      kill: () => child.kill(),
    };
  } catch (error) {
    await child.kill();
    throw error;
  }
}

async function writeConfig(place: EdgePlace, options: EdgeOptions): Promise<string> {
  const { cloud, outputs, core } = place;
  const dir = options.stateDir ?? place.stateDir;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const server = await cloud.authority.issueServer({ commonName: core.thingName, hosts: SERVER_NAMES });
  const certificate = await writeSecret(dir, 'server.pem', server.certificatePem);
  const privateKey = await writeSecret(dir, 'server.key', server.privateKeyPem);
  const upstream: CoreConfig['upstream'] = {
    region: cloud.region,
    ca: core.ca,
    certificate: core.certificate,
    privateKey: core.privateKey,
    mqtt: cloud.endpoints.mqtt,
    httpUrl: outputs.httpApiUrl,
    credentialsUrl: cloud.endpoints.iotTls,
    roleAlias: outputs.roleAlias,
    connectivityUrl: cloud.endpoints.greengrass,
  };
  const config: CoreConfig = {
    core: core.thingName,
    group: place.group,
    stateDir: join(dir, 'state'),
    devicePrefix: outputs.devicePrefix,
    corePrefix: outputs.corePrefix,
    listen: { host: HOST, port: options.port ?? 0, certificate, privateKey },
    upstream: options.upstream?.(upstream) ?? upstream,
    poolSize: options.poolSize ?? 2,
    logLevel: options.logLevel ?? 'info',
  };
  return writeSecret(dir, 'core.json', `${JSON.stringify(config, null, 2)}\n`);
}

async function writeSecret(dir: string, name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text, { mode: OWNER_ONLY });
  return path;
}

/** The core has the credentials of its certificate and no others. */
function coreEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith('AWS_') && name !== 'NODE_EXTRA_CA_CERTS',
    ),
  );
}
