import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { OrphanGuard } from '../../runtime/orphanGuard';
import { createCredentialsProvider } from '../../edge/cloud/credentials';
import { createHttpClient } from '../../edge/cloud/http';
import {
  NUCLEUS_VERSION,
  TOKEN_EXCHANGE_COMPONENT,
} from '../services/greengrass/components/publicComponents';
import { createChannel } from './cloud/channel';
import { connectMqtt, type CloudMqtt } from './cloud/mqtt';
import { startTokenExchange, type TokenExchange } from './cloud/tokenExchange';
import { Fleet } from './components/fleet';
import { ComponentLogs } from './components/logs';
import { MemoryGuard } from './components/memoryGuard';
import { thisPlatform } from './components/manifest';
import { ComponentTokens } from './components/tokens';
import type { NucleusConfig, NucleusIdentity } from './config';
import { ConfigurationStore } from './configuration/store';
import { ArtifactStore } from './deployment/artifacts';
import { DeploymentExecutor } from './deployment/executor';
import { DeploymentLoop } from './deployment/loop';
import type { CoreState } from './deployment/plan';
import { UpdateNotices } from './deployment/updateNotices';
import { IpcAuthorisation } from './ipc/authorisation';
import { configurationOperations } from './ipc/configuration';
import { iotCoreOperations } from './ipc/iotCore';
import { lifecycleOperations } from './ipc/lifecycle';
import { localTopicOperations } from './ipc/localTopics';
import { startIpcServer } from './ipc/server';
import { nucleusPaths, type NucleusPaths } from './paths';
import { readState } from './state';
import { StatusReporter } from './statusReporter';

export interface Nucleus {
  /** Stops every component, those that others need last. */
  close(): Promise<void>;
}

export interface NucleusOptions {
  config: NucleusConfig;
  identity: NucleusIdentity;
  log: Logger;
  /** Lines of components and what happens, as JSON values. */
  onComponentLine(component: string, line: string): void;
  onEvent(event: { event: string; [field: string]: unknown }): void;
}

/** A Unix socket's path has at most 107 bytes. */
const LONGEST_SOCKET_PATH = 100;

/**
 * The Greengrass V2 nucleus, simulated: takes deployments from the local cloud and runs generic components
 * as processes, with IPC and token exchange. What it does not have: Lambda components, Docker, users of their
 * own (`runWith`), limits of processor time, bootstrap steps, plugins.
 */
export async function startNucleus(options: NucleusOptions): Promise<Nucleus> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    await new Startup(options, closers).run();
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Puts the parts together; each notes how it is closed, the last one first. */
class Startup {
  readonly #paths: NucleusPaths;
  readonly #tokens = new ComponentTokens();
  readonly #configuration = new ConfigurationStore();
  readonly #notices = new UpdateNotices();

  constructor(
    private readonly options: NucleusOptions,
    private readonly closers: (() => Promise<void> | void)[],
  ) {
    this.#paths = nucleusPaths(options.config.rootDir);
  }

  async run(): Promise<void> {
    const { config, log, onEvent } = this.options;
    await mkdir(config.rootDir, { recursive: true, mode: 0o700 });
    const cloud = await this.#connect();
    const socket = await this.#socketPath();
    const platform = thisPlatform();
    const fleet = this.#fleet(
      (component) => this.#environment(component, socket, cloud.exchange, executor.components),
      () => reporter.changed(),
    );
    const executor = new DeploymentExecutor(
      {
        ...cloud,
        fleet,
        notices: this.#notices,
        configuration: this.#configuration,
        paths: this.#paths,
        platform: { ...platform, runtime: 'aws_nucleus_classic' },
        thingName: config.thingName,
        startPollMs: config.startPollMs,
        prepareComponent: async (name) =>
          void (await mkdir(this.#paths.work(name), { recursive: true, mode: 0o700 })),
        log,
      },
      readState(this.#paths.state),
    );
    // Components stop while they can still be heard.
    await this.#serveIpc(socket, fleet, cloud.mqtt);
    this.closers.push(() => fleet.stopAll());
    const { channel } = cloud;
    const reporter = new StatusReporter({ channel, fleet, state: () => executor.components, platform, log });
    this.closers.push(() => reporter.close());
    const limitOf = (name: string): number | undefined => executor.components.get(name)?.memory;
    const memory = new MemoryGuard({ components: () => fleet.all(), limitOf, log });
    this.closers.push(() => memory.close());
    const loop = new DeploymentLoop({ channel, executor, reporter, config, log, onEvent });
    this.closers.push(() => executor.save());
    this.closers.push(() => loop.stop());
    await executor.begin();
    loop.start();
    onEvent({ event: 'nucleus', thingName: config.thingName, ipc: socket });
  }

  async #connect() {
    const { config, identity, log } = this.options;
    const { thingName, region, dataUrl, s3Url, roleAlias } = config;
    const { ca, certificate: cert, privateKey: key } = identity;
    const http = createHttpClient(createSecureContext({ ca, cert, key }));
    this.closers.push(() => http.close());
    const provider = { core: thingName, credentialsUrl: dataUrl, roleAlias, http, clock };
    const credentials = createCredentialsProvider(provider);
    const mqtt = connectMqtt({ thingName, ...config.mqtt, ...identity, log });
    this.closers.push(() => mqtt.close());
    const isToken = (token: string): boolean => this.#tokens.ownerOf(token) !== undefined;
    const exchange = await startTokenExchange({ credentials, isToken, log });
    this.closers.push(() => exchange.close());
    const artifacts = new ArtifactStore(this.#paths, { region, s3Url, credentials });
    this.closers.push(() => artifacts.close());
    return { channel: createChannel({ url: dataUrl, thingName, http }), mqtt, exchange, artifacts };
  }

  #fleet(environment: (component: string) => NodeJS.ProcessEnv, changed: () => void): Fleet {
    const { log, onEvent, onComponentLine } = this.options;
    const guard = new OrphanGuard(log);
    this.closers.push(() => guard.close());
    const logs = new ComponentLogs(this.#paths);
    const fleet = new Fleet({
      environment,
      workFolder: (component) => this.#paths.work(component),
      onLine(component, line, from) {
        logs.write(component, line, from);
        onComponentLine(component, line);
      },
      onState({ name, detail, spec }, state) {
        const more = detail === undefined ? {} : { detail };
        onEvent({ event: 'component', component: name, version: spec.version, state, ...more });
        changed();
      },
      guard,
      now: Date.now,
    });
    return fleet;
  }

  /** Source: developer guide, "Component environment variables". */
  #environment(
    component: string,
    socket: string,
    exchange: TokenExchange,
    components: CoreState,
  ): NodeJS.ProcessEnv {
    const { thingName, region, ca, environment } = this.options.config;
    const token = this.#tokens.of(component);
    return {
      ...inheritedEnvironment(),
      ...environment,
      AWS_IOT_THING_NAME: thingName,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      GGC_VERSION: NUCLEUS_VERSION,
      GG_ROOT_CA_PATH: ca,
      AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH: socket,
      AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: socket,
      SVCUID: token,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
      ...(components.has(TOKEN_EXCHANGE_COMPONENT) && { AWS_CONTAINER_CREDENTIALS_FULL_URI: exchange.url }),
    };
  }

  async #serveIpc(path: string, fleet: Fleet, mqtt: CloudMqtt): Promise<void> {
    const { log } = this.options;
    const authorisation = new IpcAuthorisation((component) => this.#configuration.of(component), log);
    const updateState = (component: string, state: 'RUNNING' | 'ERRORED'): boolean => {
      fleet.get(component)?.report(state);
      return fleet.get(component) !== undefined;
    };
    const operations = {
      ...localTopicOperations(authorisation),
      ...iotCoreOperations(mqtt, authorisation),
      ...configurationOperations(this.#configuration),
      ...lifecycleOperations(updateState, this.#notices),
    };
    const authenticate = (token: string): string | undefined => this.#tokens.ownerOf(token);
    const ipc = await startIpcServer({ path, operations, authenticate, log });
    this.closers.push(() => ipc.close());
  }

  async #socketPath(): Promise<string> {
    const usual = join(this.#paths.root, 'ipc.socket');
    if (Buffer.byteLength(usual) <= LONGEST_SOCKET_PATH) return usual;
    const folder = await mkdtemp(join(tmpdir(), 'nucleus-'));
    this.closers.push(() => rm(folder, { recursive: true, force: true }));
    return join(folder, 'ipc.socket');
  }
}

/** The credentials provider only asks what time it is. */
const clock = { now: Date.now, setTimeout: () => ({ cancel: () => undefined }) };

/** Nothing of the AWS set-up of whoever started the nucleus reaches a component. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith('AWS_') && name !== 'NODE_EXTRA_CA_CERTS',
    ),
  );
}
