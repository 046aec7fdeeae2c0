import pino from 'pino';
import type { Devices } from '../../../edge/ports';
import type { Store } from '../../../edge/store';
import {
  createSystemFunctions,
  type SystemFunctionParts,
  type SystemFunctions,
} from '../../../edge/systemFunctions';
import {
  EdgeError,
  type Ask,
  type AskMessage,
  type EdgeStatusMessage,
  type ErrorCode,
  type Reply,
  type ReplyMessage,
} from '../../../protocol';
import { ManualClock, settle } from './manualClock';
import { CORE, GROUP, MemoryCloud } from './memoryCloud';
import { MemoryFunctions } from './memoryFunctions';

export interface SentReply {
  device: string;
  kind: Reply;
  message: Record<string, unknown>;
}

export class MemoryDevices implements Devices {
  readonly replies: SentReply[] = [];
  readonly announced: EdgeStatusMessage[] = [];
  enforced = 0;

  reply<K extends Reply>(device: string, kind: K, message: ReplyMessage<K>): void {
    this.replies.push({ device, kind, message });
  }

  announce(status: EdgeStatusMessage): void {
    this.announced.push(status);
  }

  readonly shared: { topic: string; payload: string }[] = [];

  share(topic: string, payload: string): void {
    this.shared.push({ topic, payload });
  }

  enforceAdmission(): void {
    this.enforced += 1;
  }

  /** Kinds of the replies to one request of one device, in order. */
  kinds(device: string, requestId: string): Reply[] {
    return this.to(device, requestId).map(({ kind }) => kind);
  }

  to(device: string, requestId: string): SentReply[] {
    return this.replies.filter(
      (reply) => reply.device === device && reply.message['requestId'] === requestId,
    );
  }

  last(device: string, requestId: string): SentReply | undefined {
    return this.to(device, requestId).at(-1);
  }

  failure(device: string, requestId: string): ErrorCode | undefined {
    const last = this.last(device, requestId);
    return last?.kind === 'failed' ? (last.message['error'] as { code: ErrorCode }).code : undefined;
  }
}

/** Keeps a copy, as a file would. */
class MemoryStore<T> implements Store<T> {
  text: string | undefined;
  saves = 0;
  fails = false;

  async load(): Promise<T | undefined> {
    return this.text === undefined ? undefined : (JSON.parse(this.text) as T);
  }

  async save(value: T): Promise<void> {
    if (this.fails) throw new Error('disk full');
    this.saves += 1;
    this.text = JSON.stringify(value);
  }
}

export interface Harness {
  cloud: MemoryCloud;
  local: MemoryFunctions;
  devices: MemoryDevices;
  clock: ManualClock;
  definitions: MemoryStore<NonNullable<Awaited<ReturnType<SystemFunctionParts['definitions']['load']>>>>;
  outbox: MemoryStore<NonNullable<Awaited<ReturnType<SystemFunctionParts['outbox']['load']>>>>;
  system: SystemFunctions;
  reconciled: number[];
  /** Certificates of devices that moved here. */
  moved: Map<string, string>;
  ask<K extends Ask>(device: string, ask: K, message: AskMessage<K>): Promise<void>;
  /** Ends this core, without a word to anyone, and starts another over the same stores. */
  crashAndRestart(next?: { onStart?: ErrorCode | undefined }): Promise<Harness>;
}

let boots = 0;

export interface HarnessOptions extends Partial<SystemFunctionParts> {
  cloud?: never;
  prepare?: (cloud: MemoryCloud) => void;
  /** With what every function fails to start. */
  onStart?: ErrorCode | undefined;
}

/** A core over in-memory ports, composed as the real one is. */
export async function startHarness(
  options: HarnessOptions = {},
  kept: Partial<Harness> = {},
): Promise<Harness> {
  const cloud = kept.cloud ?? new MemoryCloud();
  options.prepare?.(cloud);
  const local = new MemoryFunctions();
  const { onStart } = options;
  if (onStart !== undefined) local.onStart = () => Promise.reject(new EdgeError(onStart));
  const devices = new MemoryDevices();
  const clock = kept.clock ?? new ManualClock();
  const definitions: Harness['definitions'] = kept.definitions ?? new MemoryStore();
  const outbox: Harness['outbox'] = kept.outbox ?? new MemoryStore();
  const reconciled: number[] = [];
  const moved = kept.moved ?? new Map<string, string>();
  const boot = `boot${++boots}`;
  let ids = 0;
  const { prepare: _prepare, cloud: _cloud, onStart: _onStart, ...parts } = options;
  const system = await createSystemFunctions({
    core: CORE,
    group: GROUP,
    devicePrefix: 'edge',
    platform: { node: '20.19.0', architecture: 'x64', os: 'linux' },
    cloud: cloud.http,
    upstream: cloud.upstream,
    local,
    devices,
    clock,
    wallClock: clock,
    bringsFunctions: true,
    log: pino({ level: 'silent' }),
    definitions,
    outbox,
    certificateOf: (device) => moved.get(device),
    newRequestId: () => `${boot}-${++ids}`,
    random: () => 0.5,
    onReconciled: (revision) => void reconciled.push(revision),
    ...parts,
  });
  await system.start();
  if (cloud.connected) cloud.connect();
  await settle();
  return {
    cloud,
    local,
    devices,
    clock,
    definitions,
    outbox,
    system,
    reconciled,
    moved,
    async ask(device, ask, message) {
      system.handlers.ask(device, ask, message);
      await settle();
    },
    async crashAndRestart(next = {}) {
      cloud.disconnectListeners();
      clock.forgetTimers();
      return startHarness({ ...parts, ...next }, { cloud, clock, definitions, outbox, moved });
    },
  };
}
