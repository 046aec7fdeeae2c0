import type { Logger } from 'pino';
import type { AskMessage, GroupDefinition, Platform } from '../protocol';
import type { Clock } from '../lib/clock';
import type { AskHandler } from './definition/functions/edgeApi';
import { Claims } from './claims/claims';
import { Outbox, type OutboxContent } from './claims/outbox';
import type { UpdateTiming } from './claims/updateSender';
import type { StoredDefinition } from './definition/definitionStore';
import { EdgeCoreMonitor } from './definition/edgeCoreMonitor';
import { StatusReporter } from './definition/statusReporter';
import type { DeviceMessageHandlers } from './devices/deviceAccess';
import type { Cloud, Devices, LocalFunctions, Upstream } from './ports';
import type { DeploymentTiming } from './requests/deployments';
import { EdgeRemoteExecution } from './requests/edgeRemoteExecution';
import { FunctionAsks } from './requests/functionAsks';
import { HandleDeviceRequest } from './requests/handleDeviceRequest';
import { RequestMemory, type MemoryLimits } from './requests/requestMemory';
import { ServingVersions } from './requests/servingVersions';
import type { Store } from './store';

const THIS_PLATFORM: Platform = {
  node: process.versions.node,
  architecture: process.arch,
  os: process.platform,
};

/** What the edge system functions are put together from: ports only, so a test does it the same way. */
export interface SystemFunctionParts {
  core: string;
  group: string;
  devicePrefix: string;
  /** What this edge can run; what this process is unless told. */
  platform?: Platform;
  cloud: Cloud;
  upstream: Upstream;
  local: LocalFunctions;
  /** False where the platform brings functions to this edge. */
  bringsFunctions: boolean;
  devices: Devices;
  /** Monotonic: what is promised for ten minutes holds, whatever happens to the wall clock. */
  clock: Clock;
  wallClock: Pick<Clock, 'now'>;
  log: Logger;
  definitions: Store<StoredDefinition>;
  outbox: Store<OutboxContent>;
  certificateOf: (device: string) => string | undefined;
  newRequestId: () => string;
  /** 0 ≤ n < 1 */
  random: () => number;
  /** Seconds between status reports when nothing changes; 60 unless told. */
  heartbeat?: number;
  onReconciled?: (revision: number) => void;
  timing?: Partial<DeploymentTiming & UpdateTiming>;
  memoryLimits?: Partial<MemoryLimits>;
}

export interface SystemFunctions {
  /** What the broker hands its messages to. */
  readonly handlers: DeviceMessageHandlers;
  /** What the functions ask is put to. */
  readonly asks: AskHandler;
  definition: () => GroupDefinition;
  /** Serves with the stored definition and sends what an earlier run left in the outbox. */
  start: () => Promise<void>;
  /** Fetches the definition now. */
  refresh: () => Promise<void>;
  /** Tells waiting devices, all devices and the cloud that this core stops. */
  close: () => Promise<void>;
}

export async function createSystemFunctions(parts: SystemFunctionParts): Promise<SystemFunctions> {
  const { clock, wallClock, log, devices, platform = THIS_PLATFORM } = parts;
  const definition = (): GroupDefinition => monitor.definition;
  const outbox = await Outbox.open(parts.outbox, log);
  const claims = new Claims({
    ...parts,
    definition,
    fetched: (): GroupDefinition => monitor.fetched,
    outbox,
    // Where somebody else brings functions, the definition that they come with is waited for.
    onAccepted(saved) {
      if (parts.bringsFunctions) monitor.claimsStored(saved);
    },
  });
  const versions = new ServingVersions({ ...parts, definition });
  const memory = new RequestMemory(devices, clock, parts.memoryLimits);
  const shared = { ...parts, platform, definition, claims, versions, memory };
  const requests = new HandleDeviceRequest(shared);
  const execution = new EdgeRemoteExecution(shared);
  const monitor = new EdgeCoreMonitor({
    ...parts,
    store: parts.definitions,
    status: new StatusReporter({ ...parts, boot: wallClock.now() }),
    over: (fetched): GroupDefinition => claims.over(fetched),
    promised: () => claims.promised(),
    onFailed: (failure) => claims.reportFailure(failure),
    onStored: (fetched) => claims.applied(fetched),
    onApplied: (applied) => requests.applied(applied),
    onReconciled(reconciled) {
      requests.reconciled(reconciled);
      parts.onReconciled?.(reconciled.revision);
    },
  });

  return {
    handlers: {
      ask(device, ask, message) {
        if (ask === 'invoke') execution.invoke(device, message as AskMessage<'invoke'>);
        else requests.handle(device, ask, message);
      },
      call: (device, functionName, message) => execution.call(device, functionName, message),
    },
    asks: new FunctionAsks(shared),
    definition,
    async start() {
      await monitor.start();
      claims.resume();
    },
    refresh: () => monitor.refresh(),
    async close() {
      requests.close();
      claims.close();
      await monitor.close();
    },
  };
}
