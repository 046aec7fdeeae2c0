import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Logger } from 'pino';
import { DEFAULT_EDGE_LOG_LEVEL, EdgeError, emptyDefinition } from '../protocol';
import { backgroundClock, backgroundMonotonicClock, type Clock } from '../lib/clock';
import { edgeApi, type AskHandler } from './definition/functions/edgeApi';
import { createFunctionHost } from '../runtime/host';
import type { FunctionPackages } from '../runtime/packages/packages';
import { openPackageStore } from '../runtime/packages/store';
import type { ProcessSource } from '../runtime/functionProcess';
import { outboxStore } from './claims/outbox';
import type { LogShipper } from './cloud/logShipper';
import type { CoreSettings } from '../protocol/coreConfig';
import { definitionStore } from './definition/definitionStore';
import { createLocalFunctions } from './definition/functions/localFunctions';
import { Admission } from './devices/admission';
import type { DeviceAccess, DeviceAccessParts } from './devices/deviceAccess';
import type { Cloud, CloudConnection, LocalFunctions } from './ports';
import { createSystemFunctions, type SystemFunctions } from './systemFunctions';

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
  close: () => Promise<void>;
}

type CoreEvent = { event: 'listening'; port?: number } | { event: 'reconciled'; revision: number };

/** What a core is made of beside its settings. */
export interface CoreParts {
  log: Logger;
  /** Bundled script of a function process (`dist/edge/functionProcess.cjs`). */
  processScript: string;
  /** Where the log goes beside stdout; a stream of `log`. */
  shipper?: LogShipper;
  clock?: Clock;
  onEvent?: (event: CoreEvent) => void;
  /** The ways to the cloud, on the platform on which this core runs. Closed by close(). */
  connect: () => CloudConnection | Promise<CloudConnection>;
  /** The way to devices, on the same platform. Closed by close(). */
  openDevices: (parts: DeviceAccessParts) => DeviceAccess | Promise<DeviceAccess>;
  /** Where the platform brings functions and starts their processes; else the core does. Closed by close(). */
  delivered?: { packages: FunctionPackages; processes: ProcessSource };
  /** Of the service; functions find it as AWS_REGION. */
  region: string;
}

/**
 * Starts a core. Paths in `config` are relative to the working directory. Throws what `connect` and
 * `openDevices` throw, and when devices cannot be listened to.
 */
export async function startCore(config: CoreSettings, parts: CoreParts): Promise<EdgeCore> {
  const { log, clock = backgroundClock, shipper, onEvent } = parts;
  const { core, group, devicePrefix, stateDir, heartbeat } = config;
  const connection = await parts.connect();
  const { cloud, upstream } = connection;
  // The way to devices asks for the definition, functions and devices talk to the system functions: these come last.
  const later: { functions?: SystemFunctions } = {};
  const definition = () => later.functions?.definition() ?? emptyDefinition(group);
  const local = await localFunctions(
    config,
    parts,
    cloud,
    asksOf(() => later.functions?.asks),
  );
  const admission = new Admission({ cloud, clock, definition });
  const access = await parts.openDevices({ devicePrefix, admission, log });
  let becameReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => (becameReady = resolve));
  const functions = await createSystemFunctions({
    ...{ core, group, devicePrefix, cloud, upstream, local, log },
    ...{ clock: parts.clock ?? backgroundMonotonicClock, wallClock: clock },
    devices: access.devices,
    bringsFunctions: parts.delivered === undefined,
    definitions: definitionStore(stateDir),
    outbox: outboxStore(stateDir),
    certificateOf: (device) => access.certificateOf(device),
    newRequestId: randomUUID,
    random: Math.random,
    ...(heartbeat !== undefined && { heartbeat }),
    onReconciled(revision) {
      onEvent?.({ event: 'reconciled', revision });
      becameReady();
    },
  });

  later.functions = functions;
  shipper?.connect({
    core,
    upstream,
    clock,
    level: () => definition().logs?.level ?? DEFAULT_EDGE_LOG_LEVEL,
  });
  await functions.start();
  const port = await access.listen(functions.handlers);
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
      await shipper?.close();
      await connection.close();
    },
  };
}

async function localFunctions(
  { stateDir, poolSize }: CoreSettings,
  { log, processScript, delivered, region }: CoreParts,
  cloud: Cloud,
  asks: AskHandler,
): Promise<LocalFunctions> {
  return createLocalFunctions({
    host: createFunctionHost({
      ...{ processScript, poolSize, log, api: edgeApi(asks) },
      ...(delivered && { processes: delivered.processes }),
    }),
    store:
      delivered?.packages ?? (await openPackageStore({ directory: path.join(stateDir, 'functions'), log })),
    locate: (digest) => cloud.locate(digest),
    download: (location) => cloud.download(location),
    environment: { AWS_REGION: region, AWS_DEFAULT_REGION: region },
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
