import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import {
  DEFAULT_EDGE_LOG_LEVEL,
  EdgeError,
  emptyDefinition,
  type EdgeLogLevel,
  type Platform,
} from '../protocol';
import { Admission } from './admission';
import { createBroker } from './broker/broker';
import type { CoreSettings } from './config';
import type { AskHandler } from './functions/asks';
import { systemClock } from './functions/clock';
import { createFunctionHost } from './functions/host';
import type { ComponentHosts } from './functions/hosted/componentHosts';
import { HostedPackages } from './functions/hosted/hostedPackages';
import { createLocalFunctions } from './functions/localFunctions';
import { openPackageStore } from './functions/store';
import type { LogShipper } from './logs/logShipper';
import type { Clock, Cloud, LocalFunctions, TraceExchange } from './ports';
import { definitionStore, outboxStore } from './stores';
import { createSystemFunctions, type SystemFunctions } from './systemFunctions';
import { createTracer } from './trace';
import type { CloudConnection } from './upstream/cloudConnection';

/**
 * An edge core in this process: broker, edge system functions, functions, and the way to the cloud.
 * Serves devices with the stored definition whether or not the cloud can be reached.
 */
export interface EdgeCore {
  /** Where devices connect. */
  readonly port: number;
  /** Resolves when the first definition runs: the stored one, or else the cloud's. */
  readonly ready: Promise<void>;
  /** Announces the stop, then ends connections and functions. */
  close(): Promise<void>;
}

export type CoreEvent = { event: 'listening'; port: number } | { event: 'reconciled'; revision: number };

/** What a core is made of beside its settings. */
export interface CoreParts {
  log: Logger;
  /** Bundled script of a function process (`dist/edge/functionProcess.cjs`). */
  processScript: string;
  /** Where the log goes beside stdout; a stream of `log`. */
  shipper?: LogShipper;
  clock?: Clock;
  random?: () => number;
  /** Gets every device message and every way to the cloud. Costs time; absent, it costs nothing. */
  trace?: TraceExchange;
  onEvent?: (event: CoreEvent) => void;
  /** The ways to the cloud, on the platform on which this core runs. Closed by close(). */
  connect(): CloudConnection | Promise<CloudConnection>;
  /** Where Greengrass brings the functions as components. Closed by close(). */
  componentHosts?: ComponentHosts;
}

const PLATFORM: Platform = { node: process.versions.node, architecture: process.arch, os: process.platform };

/**
 * Starts a core. Paths in `config` are relative to the working directory. Throws when a file of the
 * configuration cannot be read or the port cannot be taken, and what `connect` throws.
 */
export async function startCore(config: CoreSettings, parts: CoreParts): Promise<EdgeCore> {
  const { log, clock = systemClock, random = Math.random, onEvent } = parts;
  const { core, group, devicePrefix, listen, stateDir } = config;
  const server = await readServerFiles(config);
  const connection = await parts.connect();
  const tracer = parts.trace && createTracer(core, parts.trace);
  const cloud = tracer?.cloud(connection.cloud) ?? connection.cloud;
  const upstream = tracer?.upstream(connection.upstream) ?? connection.upstream;
  // The broker asks for the definition, functions and broker talk to the system functions: these come last.
  const later: { functions?: SystemFunctions } = {};
  const asks = asksOf(() => later.functions?.asks);
  const functionsHere = await localFunctions(config, parts, cloud, asks);
  const local = tracer?.local(functionsHere) ?? functionsHere;

  const definition = () => later.functions?.definition() ?? emptyDefinition(group);
  const admission = new Admission({ cloud, clock, definition });
  const broker = await createBroker({ ...listen, ...server, devicePrefix, admission, log });
  let becameReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (becameReady = resolve));
  const functions = await createSystemFunctions({
    ...{ core, group, devicePrefix, platform: PLATFORM, cloud, upstream, local, clock, log, random },
    devices: tracer?.devices(broker.devices) ?? broker.devices,
    definitions: definitionStore(stateDir),
    outbox: outboxStore(stateDir),
    certificateOf: (device) => broker.certificateOf(device),
    newRequestId: randomUUID,
    ...(config.heartbeat !== undefined && { heartbeat: config.heartbeat }),
    onReconciled(revision) {
      onEvent?.({ event: 'reconciled', revision });
      becameReady();
    },
  });

  later.functions = functions;
  const level = (): EdgeLogLevel => definition().logs?.level ?? DEFAULT_EDGE_LOG_LEVEL;
  parts.shipper?.connect({ core, upstream: connection.upstream, clock, level });
  await functions.start();
  const port = await broker.listen(tracer?.handlers(functions.handlers) ?? functions.handlers);
  onEvent?.({ event: 'listening', port });
  connection.announce(port);
  // It may have connected before anybody listened for it.
  if (upstream.connected) void functions.refresh();

  return {
    port,
    ready,
    async close() {
      await functions.close();
      await broker.close();
      await local.close();
      await parts.shipper?.close();
      await connection.close();
    },
  };
}

async function localFunctions(
  { stateDir, poolSize }: CoreSettings,
  { log, processScript, componentHosts }: CoreParts,
  cloud: Cloud,
  asks: AskHandler,
): Promise<LocalFunctions> {
  return createLocalFunctions({
    host: createFunctionHost({
      ...{ processScript, poolSize, log, asks },
      ...(componentHosts && { processes: componentHosts }),
    }),
    store: componentHosts
      ? new HostedPackages(componentHosts)
      : await openPackageStore({ directory: path.join(stateDir, 'functions'), log }),
    locate: (digest) => cloud.locate(digest),
    download: (location) => cloud.download(location),
    log,
  });
}

/** Functions start before the core is ready to answer them; their calls do not. */
function asksOf(handler: () => AskHandler | undefined): AskHandler {
  const required = (): AskHandler => {
    const found = handler();
    if (found === undefined) throw new EdgeError('CLOSED', 'the edge core is starting');
    return found;
  };
  return {
    publish: (...ask) => required().publish(...ask),
    invoke: async (...ask) => required().invoke(...ask),
  };
}

async function readServerFiles({ listen }: CoreSettings) {
  const [certificate, privateKey] = await Promise.all(
    [listen.certificate, listen.privateKey].map((file) => readFile(file, 'utf8')),
  );
  return { certificate: certificate ?? '', privateKey: privateKey ?? '' };
}
