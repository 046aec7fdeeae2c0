import type { Logger } from 'pino';
import type { AskMessage, GroupDefinition, Platform } from '../protocol';
import type { DeviceMessageHandlers } from './devices/broker/receive';
import { EdgeCoreMonitor } from './definition/edgeCoreMonitor';
import { EdgeRemoteExecution } from './requests/edgeRemoteExecution';
import { FunctionCalls } from './requests/functionCalls';
import type { AskHandler } from './definition/functions/edgeApi';
import { HandleDeviceRequest, type DeviceAsk } from './requests/handleDeviceRequest';
import type { Cloud, Devices, LocalFunctions, Upstream } from './ports';
import type { Clock } from '../lib/clock';
import { DefinitionUpdates, type UpdateTiming } from './claims/definitionUpdates';
import type { DeploymentTiming } from './requests/deployments';
import { Outbox } from './claims/outbox';
import { RequestMemory, type MemoryLimits } from './requests/requestMemory';
import { StatusReporter } from './definition/statusReporter';
import type { OutboxContent, Store, StoredDefinition } from './definition/stores';

/** What the edge system functions are put together from: ports only, so a test does it the same way. */
export interface SystemFunctionParts {
  core: string;
  group: string;
  devicePrefix: string;
  platform: Platform;
  cloud: Cloud;
  upstream: Upstream;
  local: LocalFunctions;
  devices: Devices;
  clock: Clock;
  log: Logger;
  definitions: Store<StoredDefinition>;
  outbox: Store<OutboxContent>;
  certificateOf(device: string): string | undefined;
  newRequestId(): string;
  /** 0 ≤ n < 1 */
  random(): number;
  /** Seconds between status reports when nothing changes; 60 unless told. */
  heartbeat?: number;
  onReconciled?(revision: number): void;
  timing?: Partial<DeploymentTiming & UpdateTiming>;
  memoryLimits?: Partial<MemoryLimits>;
}

export interface SystemFunctions {
  /** What the broker hands its messages to. */
  readonly handlers: DeviceMessageHandlers;
  /** What the functions ask is put to. */
  readonly asks: AskHandler;
  definition(): GroupDefinition;
  /** Serves with the stored definition and sends what an earlier run left in the outbox. */
  start(): Promise<void>;
  /** Fetches the definition now. */
  refresh(): Promise<void>;
  /** Tells waiting devices, all devices and the cloud that this core stops. */
  close(): Promise<void>;
}

export async function createSystemFunctions(parts: SystemFunctionParts): Promise<SystemFunctions> {
  const { clock, log, devices } = parts;
  const definition = (): GroupDefinition => monitor.definition;
  const shared = { ...parts, definition };
  const outbox = await Outbox.open(parts.outbox, log);
  const updates = new DefinitionUpdates({ ...shared, outbox });
  const memory = new RequestMemory(devices, clock, parts.memoryLimits);
  const requests = new HandleDeviceRequest({ ...shared, memory, updates });
  const execution = new EdgeRemoteExecution({ ...shared, memory });
  const monitor = new EdgeCoreMonitor({
    ...parts,
    store: parts.definitions,
    status: new StatusReporter({ ...parts, boot: clock.now() }),
    promised: () => updates.promised(),
    onFailed: (failure) => updates.reportFailure(failure),
    onApplied(applied) {
      updates.applied(applied);
      requests.applied(applied);
    },
    onReconciled(reconciled) {
      requests.reconciled(reconciled);
      parts.onReconciled?.(reconciled.revision);
    },
  });

  return {
    handlers: {
      ask(device, ask, message) {
        if (ask === 'invoke') execution.invoke(device, message as AskMessage<'invoke'>);
        else requests.handle(device, ask as DeviceAsk, message as AskMessage<DeviceAsk>);
      },
      call: (device, functionName, message) => execution.call(device, functionName, message),
    },
    asks: new FunctionCalls(shared),
    definition,
    async start() {
      await monitor.start();
      updates.resume();
    },
    refresh: () => monitor.refresh(),
    async close() {
      requests.close();
      updates.close();
      await monitor.close();
    },
  };
}
