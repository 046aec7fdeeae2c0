import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Logger } from 'pino';
import { DEFAULT_EDGE_LOG_LEVEL, EdgeError, emptyDefinition, type EdgeLogLevel } from '../protocol';
import { Admission } from './devices/admission';
import { briefly } from './briefly';
import type { CoreSettings } from '../protocol/coreConfig';
import type { DeviceAccess, DeviceAccessParts } from './devices/deviceAccess';
import { edgeApi, type AskHandler } from './definition/functions/edgeApi';
import { backgroundClock } from '../lib/clock';
import { createFunctionHost } from '../runtime/host';
import type { ComponentHosts } from './platforms/greengrass/hosts/componentHosts';
import { HostedPackages } from './platforms/greengrass/hosts/hostedPackages';
import { createLocalFunctions } from './definition/functions/localFunctions';
import { openPackageStore } from '../runtime/packages/store';
import type { LogShipper } from './cloud/logShipper';
import { PLATFORM } from './platforms/platform';
import type { Cloud, LocalFunctions, TraceExchange } from './ports';
import type { Clock } from '../lib/clock';
import { definitionStore, outboxStore } from './definition/stores';
import { createSystemFunctions, type SystemFunctions } from './systemFunctions';
import { createTracer } from './trace';
import type { CloudConnection } from './cloud/cloudConnection';

/**
 * An edge core in this process: edge system functions, functions, and the ways to devices and to the cloud.
 * Serves devices with the stored definition whether or not the cloud can be reached.
 */
export interface EdgeCore {
  /** Where devices connect; undefined where that is not the core. */
  readonly port: number | undefined;
  /** Resolves when the first definition runs: the stored one, or else the cloud's. */
  readonly ready: Promise<void>;
  /** Announces the stop, then ends connections and functions. */
  close(): Promise<void>;
}

export type CoreEvent = { event: 'listening'; port?: number } | { event: 'reconciled'; revision: number };

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
  /** The way to devices, likewise. Closed by close(). */
  openDevices(parts: DeviceAccessParts): DeviceAccess | Promise<DeviceAccess>;
  /** Where Greengrass brings the functions as components. Closed by close(). */
  componentHosts?: ComponentHosts;
}

/**
 * Starts a core. Paths in `config` are relative to the working directory. Throws what `connect` and
 * `openDevices` throw, and when devices cannot be listened to.
 */
export async function startCore(config: CoreSettings, parts: CoreParts): Promise<EdgeCore> {
  const { log, clock = backgroundClock, random = Math.random, onEvent } = parts;
  const { core, group, devicePrefix, stateDir } = config;
  const connection = await parts.connect();
  const tracer = parts.trace && createTracer(core, parts.trace);
  const cloud = tracer?.cloud(connection.cloud) ?? connection.cloud;
  const upstream = tracer?.upstream(connection.upstream) ?? connection.upstream;
  // The way to devices asks for the definition, functions and devices talk to the system functions: these come last.
  const later: { functions?: SystemFunctions } = {};
  const asks = asksOf(() => later.functions?.asks);
  const functionsHere = await localFunctions(config, parts, cloud, asks);
  const local = tracer?.local(functionsHere) ?? functionsHere;

  const definition = () => later.functions?.definition() ?? emptyDefinition(group);
  const admission = new Admission({ cloud, clock, definition });
  const access = await parts.openDevices({ devicePrefix, admission, log });
  let becameReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (becameReady = resolve));
  const functions = await createSystemFunctions({
    ...{ core, group, devicePrefix, platform: PLATFORM, cloud, upstream, local, clock, log, random },
    devices: tracer?.devices(access.devices) ?? access.devices,
    definitions: definitionStore(stateDir),
    outbox: outboxStore(stateDir),
    certificateOf: (device) => access.certificateOf(device),
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
  const port = await access.listen(tracer?.handlers(functions.handlers) ?? functions.handlers);
  onEvent?.({ event: 'listening', ...(port !== undefined && { port }) });
  if (port !== undefined) connection.announce(port);
  // It may have connected before anybody listened for it.
  if (upstream.connected) void functions.refresh();

  return {
    port,
    ready,
    async close() {
      await functions.close();
      await access.close();
      await local.close();
      if (parts.shipper) await briefly(clock, parts.shipper.close());
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
      ...{ processScript, poolSize, log, api: edgeApi(asks) },
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
