import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CoreConfig } from '../../protocol/coreConfig';
import { EdgeError } from '../../protocol';
import type { LocalCloud } from '../cloud';
import type { ServiceOutputs } from '../../operations/outputs';
import { addressesOf, LOOPBACK, namesOf } from './addresses';
import { environmentWithoutAws } from '../base/environment';
import { startProgram, type NodeProcess, type ProcessEvent, type ProcessExit } from './process';
import type { ThingFiles } from '../../operations/things/thingFiles';

export interface EdgeOptions {
  /** Port for devices; 0 takes a free one. */
  port?: number;
  /** Address to listen at: `127.0.0.1` unless told. The server certificate is good for it. */
  host?: string;
  poolSize?: number;
  /** Folder of the core's configuration and state. */
  stateDir?: string;
  logLevel?: CoreConfig['logLevel'];
  /** Changes the way to the cloud: a test puts a wire in between that it can cut. */
  upstream?: (upstream: CoreConfig['upstream']) => CoreConfig['upstream'];
  /** With a listener the core also reports exchanges, which costs it a little time. */
  onEvent?: (event: ProcessEvent) => void;
  /** Every line of the core's log, as JSON text. */
  onLine?: (line: string) => void;
}

export interface Edge {
  readonly group: string;
  readonly core: string;
  /** Where devices connect. */
  readonly host: string;
  readonly port: number;
  readonly configFile: string;
  readonly process: NodeProcess;
  stop: () => Promise<ProcessExit>;
  /** Ends the process as a power cut would. */
  kill: () => Promise<ProcessExit>;
}

export interface EdgePlace {
  cloud: LocalCloud;
  outputs: ServiceOutputs;
  group: string;
  core: ThingFiles;
  stateDir: string;
}

const CORE_BUNDLE = 'dist/edge/core.cjs';
const OWNER_ONLY = 0o600;

/** Writes the core's configuration and starts it; resolves when it listens for devices. */
export async function startEdgeProcess(place: EdgePlace, options: EdgeOptions = {}): Promise<Edge> {
  const { onEvent, onLine } = options;
  const configFile = await writeConfig(place, options);
  const { child, event } = await startProgram(CORE_BUNDLE, configFile, 'listening', {
    name: `edge core ${place.core.thingName}`,
    env: { ...environmentWithoutAws(), ...(onEvent && { EDGE_TRACE: '1' }) },
    onEvent,
    onLine,
  });
  return runningEdge(place, configFile, child, event, options);
}

/** An edge whose core told that it is `listening`, in the process of its own or of what runs it. */
export function runningEdge(
  { group, core }: EdgePlace,
  configFile: string,
  child: NodeProcess,
  { port }: ProcessEvent,
  { host = LOOPBACK, graceMs }: { host?: string | undefined; graceMs?: number } = {},
): Edge {
  if (typeof port !== 'number') throw new EdgeError('INTERNAL', `${child.name} told no port`);
  return {
    ...{ group, core: core.thingName, host: addressesOf(host)[0] ?? host, port, configFile, process: child },
    stop: () => child.stop(graceMs),
    kill: () => child.kill(),
  };
}

/** Lays a server certificate down where the core finds it: what it listens with. */
export async function prepareListening(
  { cloud, core }: EdgePlace,
  dir: string,
  { port = 0, host = LOOPBACK }: EdgeOptions,
): Promise<CoreConfig['listen']> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const server = await cloud.authority.issueServer({ commonName: core.thingName, hosts: namesOf(host) });
  const certificate = await writeSecret(dir, 'server.pem', server.certificatePem);
  const privateKey = await writeSecret(dir, 'server.key', server.privateKeyPem);
  return { host, port, certificate, privateKey };
}

async function writeConfig(place: EdgePlace, options: EdgeOptions): Promise<string> {
  const { cloud, outputs, core } = place;
  const dir = options.stateDir ?? place.stateDir;
  const listen = await prepareListening(place, dir, options);
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
    listen,
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
