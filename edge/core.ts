import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import { emptyDefinition, type Platform } from '../protocol';
import { Admission } from './admission';
import { createBroker } from './broker/broker';
import type { CoreConfig } from './config';
import { systemClock } from './functions/clock';
import { createFunctionHost } from './functions/host';
import { createLocalFunctions } from './functions/localFunctions';
import { openPackageStore } from './functions/store';
import type { Clock, Cloud, LocalFunctions, TraceExchange } from './ports';
import { definitionStore, outboxStore } from './stores';
import { createSystemFunctions, type SystemFunctions } from './systemFunctions';
import { createTracer } from './trace';
import { connectCloud, type CloudConnection } from './upstream/cloudConnection';

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

/** What a core is made of, where it is not the default. */
export interface CoreParts {
  log: Logger;
  /** Bundled script of a function process (`dist/edge/functionProcess.cjs`). */
  processScript: string;
  clock?: Clock;
  random?: () => number;
  /** Gets every device message and every way to the cloud. Costs time; absent, it costs nothing. */
  trace?: TraceExchange;
  onEvent?: (event: CoreEvent) => void;
  connection?: CloudConnection;
  createLocal?: (cloud: Cloud) => Promise<LocalFunctions>;
}

const PLATFORM: Platform = { node: process.versions.node, architecture: process.arch, os: process.platform };

/**
 * Starts a core. Paths in `config` are relative to the working directory. Throws when a file of the
 * configuration cannot be read or the port cannot be taken; never because of the cloud.
 */
export async function startCore(config: CoreConfig, parts: CoreParts): Promise<EdgeCore> {
  const { log, clock = systemClock, random = Math.random, onEvent } = parts;
  const { core, group, devicePrefix, listen, stateDir } = config;
  const files = await readFiles(config);
  const connection =
    parts.connection ?? connectCloud({ config, identity: files.upstream, clock, log, random });
  const tracer = parts.trace && createTracer(core, parts.trace);
  const cloud = tracer?.cloud(connection.cloud) ?? connection.cloud;
  const upstream = tracer?.upstream(connection.upstream) ?? connection.upstream;
  const functionsHere = await (parts.createLocal?.(cloud) ?? localFunctions(config, parts, cloud));
  const local = tracer?.local(functionsHere) ?? functionsHere;

  // The broker asks for the definition, the system functions answer to the broker: one comes first.
  const later: { functions?: SystemFunctions } = {};
  const definition = () => later.functions?.definition() ?? emptyDefinition(group);
  const admission = new Admission({ cloud, clock, definition });
  const broker = await createBroker({ ...listen, ...files.listen, devicePrefix, admission, log });
  let becameReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (becameReady = resolve));
  const functions = await createSystemFunctions({
    ...{ core, group, devicePrefix, platform: PLATFORM, cloud, upstream, local, clock, log, random },
    devices: tracer?.devices(broker.devices) ?? broker.devices,
    definitions: definitionStore(stateDir),
    outbox: outboxStore(stateDir),
    certificateOf: (device) => broker.certificateOf(device),
    newRequestId: randomUUID,
    onReconciled(revision) {
      onEvent?.({ event: 'reconciled', revision });
      becameReady();
    },
  });

  later.functions = functions;
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
      await connection.close();
    },
  };
}

async function localFunctions(
  { stateDir, poolSize }: CoreConfig,
  { log, processScript }: CoreParts,
  cloud: Cloud,
): Promise<LocalFunctions> {
  const store = await openPackageStore({ directory: path.join(stateDir, 'functions'), log });
  return createLocalFunctions({
    host: createFunctionHost({ processScript, poolSize, log }),
    store,
    locate: (digest) => cloud.locate(digest),
    download: (location) => cloud.download(location),
    log,
  });
}

async function readFiles(config: CoreConfig) {
  const read = (file: string) => readFile(file, 'utf8');
  const pair = async (files: { certificate: string; privateKey: string }) => ({
    certificate: await read(files.certificate),
    privateKey: await read(files.privateKey),
  });
  const { ca } = config.upstream;
  return {
    listen: await pair(config.listen),
    upstream: { ...(await pair(config.upstream)), ...(ca !== undefined && { ca: await read(ca) }) },
  };
}
