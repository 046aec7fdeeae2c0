import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { OrphanGuard } from '../../runtime/orphanGuard';
import { environmentWithoutAws } from '../base/environment';
import {
  SIMULATED_NUCLEUS_VERSION,
  TOKEN_EXCHANGE_COMPONENT,
} from '../services/greengrass/components/publicComponents';
import { CloudChannel } from './cloud/channel';
import { openDeviceEndpoint } from './cloud/deviceEndpoint';
import { connectMqtt, type CloudMqtt } from './cloud/mqtt';
import { ComponentTokens, roleCredentials, startTokenExchange } from './cloud/tokenExchange';
import type { ReportedState } from './components/component';
import { Fleet } from './components/fleet';
import { MemoryGuard } from './components/processGroups';
import type { NucleusConfig, NucleusEvent, NucleusIdentity } from './config';
import { ConfigurationStore } from './configuration/store';
import { CoreReporter } from './coreReporter';
import { ArtifactStore } from './deployment/artifacts';
import { DeploymentExecutor } from './deployment/executor';
import { DeploymentLoop } from './deployment/loop';
import { thisPlatform } from './deployment/manifest';
import { UpdateNotices } from './deployment/updateNotices';
import { appendToLog, nucleusPaths, readState, type NucleusPaths } from './files';
import { IpcAuthorisation } from './ipc/authorisation';
import { configurationOperations, lifecycleOperations } from './ipc/componentOperations';
import { iotCoreOperations, localTopicOperations } from './ipc/messaging';
import { startIpcServer } from './ipc/server';

export interface RunningNucleus {
  /** Stops every component, those that others need last. */
  close: () => Promise<void>;
}

export interface NucleusParts {
  config: NucleusConfig;
  identity: NucleusIdentity;
  log: Logger;
  /** A line that a component wrote, as it is. */
  onComponentLine: (component: string, line: string) => void;
  onEvent: (event: NucleusEvent) => void;
}

/** A Unix socket's path has at most 107 bytes. */
const LONGEST_SOCKET_PATH = 100;

/**
 * The Greengrass V2 nucleus, simulated: takes deployments from the local cloud and runs generic components
 * as processes, with IPC and token exchange. What it does not have: Lambda components, Docker, users of their
 * own (`runWith`), limits of processor time, bootstrap steps, plugins.
 */
export async function startNucleus(parts: NucleusParts): Promise<RunningNucleus> {
  const startup = new Startup(parts);
  const close = (): Promise<void> => startup.close();
  try {
    await startup.run();
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
  readonly #closers: (() => Promise<void> | void)[] = [];

  constructor(private readonly parts: NucleusParts) {
    this.#paths = nucleusPaths(parts.config.rootDir);
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0).reverse()) await closer();
  }

  async run(): Promise<void> {
    const { config, log, onEvent } = this.parts;
    await mkdir(config.rootDir, { recursive: true, mode: 0o700 });
    const { channel, mqtt, exchangeUrl, artifacts } = await this.#connect();
    const socket = await this.#socketPath();
    const platform = thisPlatform();
    const fleet = this.#fleet(
      (component) => ({
        ...this.#environment(component, socket),
        ...(executor.components.has(TOKEN_EXCHANGE_COMPONENT) && {
          AWS_CONTAINER_CREDENTIALS_FULL_URI: exchangeUrl,
        }),
      }),
      () => {
        reporter.changed();
      },
    );
    const executor = new DeploymentExecutor(
      {
        ...{ channel, artifacts, fleet, log },
        notices: this.#notices,
        configuration: this.#configuration,
        paths: this.#paths,
        platform: { ...platform, runtime: 'aws_nucleus_classic' },
        thingName: config.thingName,
        startPollMs: config.startPollMs,
        prepareComponent: async (name) => {
          await mkdir(this.#paths.work(name), { recursive: true, mode: 0o700 });
        },
      },
      readState(this.#paths.state),
    );
    // Components stop while they can still be heard.
    await this.#serveIpc(socket, fleet, mqtt);
    this.#closers.push(() => fleet.stopAll());
    const reporter = new CoreReporter({ channel, fleet, state: () => executor.components, platform, log });
    this.#closers.push(() => reporter.close());
    const limited = () =>
      fleet.all().flatMap(({ name: component, pid }) => {
        const limit = executor.components.get(component)?.memory;
        return pid === undefined || limit === undefined ? [] : [{ component, pid, limit }];
      });
    const memory = new MemoryGuard(limited, log);
    this.#closers.push(() => memory.close());
    const loop = new DeploymentLoop({ channel, executor, reporter, config, log, onEvent });
    this.#closers.push(() => executor.save());
    this.#closers.push(() => loop.stop());
    await executor.begin();
    loop.start();
    onEvent({ event: 'nucleus', thingName: config.thingName, ipc: socket });
  }

  async #connect() {
    const { config, identity, log } = this.parts;
    const { thingName, region, dataUrl, s3Url, roleAlias } = config;
    const endpoint = openDeviceEndpoint(dataUrl, thingName, identity);
    const credentials = roleCredentials(endpoint, roleAlias);
    const mqtt = connectMqtt({ thingName, ...config.mqtt, ...identity, log });
    this.#closers.push(() => mqtt.close());
    const exchange = await startTokenExchange(credentials, this.#tokens, log);
    this.#closers.push(() => exchange.close());
    const artifacts = new ArtifactStore(this.#paths, { region, s3Url, credentials });
    this.#closers.push(() => artifacts.close());
    return { channel: new CloudChannel(endpoint, thingName), mqtt, exchangeUrl: exchange.url, artifacts };
  }

  #fleet(environment: (component: string) => NodeJS.ProcessEnv, changed: () => void): Fleet {
    const { log, onEvent, onComponentLine } = this.parts;
    const guard = new OrphanGuard(log);
    this.#closers.push(() => guard.close());
    return new Fleet({
      environment,
      workFolder: (component) => this.#paths.work(component),
      onLine: (component, line, from) => {
        appendToLog(this.#paths, component, line, from);
        onComponentLine(component, line);
      },
      onState: ({ name, detail, spec }, state) => {
        const more = detail === undefined ? {} : { detail };
        onEvent({ event: 'component', component: name, version: spec.version, state, ...more });
        changed();
      },
      guard,
      now: Date.now,
    });
  }

  /** Source: developer guide, "Component environment variables". */
  #environment(component: string, socket: string): NodeJS.ProcessEnv {
    const { thingName, region, ca, environment } = this.parts.config;
    const token = this.#tokens.of(component);
    return {
      ...environmentWithoutAws(),
      ...environment,
      AWS_IOT_THING_NAME: thingName,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      GGC_VERSION: SIMULATED_NUCLEUS_VERSION,
      GG_ROOT_CA_PATH: ca,
      AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH: socket,
      AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: socket,
      SVCUID: token,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
    };
  }

  async #serveIpc(path: string, fleet: Fleet, mqtt: CloudMqtt): Promise<void> {
    const { log } = this.parts;
    const authorisation = new IpcAuthorisation((component) => this.#configuration.of(component), log);
    const updateState = (name: string, state: ReportedState): boolean => {
      const component = fleet.get(name);
      component?.report(state);
      return component !== undefined;
    };
    const operations = {
      ...localTopicOperations(authorisation),
      ...iotCoreOperations(mqtt, authorisation),
      ...configurationOperations(this.#configuration),
      ...lifecycleOperations(updateState, this.#notices),
    };
    const authenticate = (token: string): string | undefined => this.#tokens.ownerOf(token);
    const ipc = await startIpcServer({ path, operations, authenticate, log });
    this.#closers.push(() => ipc.close());
  }

  async #socketPath(): Promise<string> {
    const usual = join(this.#paths.root, 'ipc.socket');
    if (Buffer.byteLength(usual) <= LONGEST_SOCKET_PATH) return usual;
    const folder = await mkdtemp(join(tmpdir(), 'nucleus-'));
    this.#closers.push(() => rm(folder, { recursive: true, force: true }));
    return join(folder, 'ipc.socket');
  }
}
