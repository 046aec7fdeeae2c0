import { EdgeError, REQUEST_MEMORY_MS, type Reply, type ReplyMessage, failedReply } from '../../protocol';
import type { Devices } from '../ports';
import type { Clock } from '../../lib/clock';

/**
 * Remembers each request of a device and its latest answer, so that a repeated request id is
 * answered from here and not run twice within REQUEST_MEMORY_MS, as long as this process lives. Bounded: what one device sends
 * displaces what the same device sent, oldest first, and never a request at work. Where all devices
 * together hold too much, the one that holds most gives way.
 */

/** `deploy` spans a request and its confirm, which carry the same id. */
export type RequestFamily = 'deploy' | 'join' | 'release' | 'prefetch' | 'invoke' | 'call';

export interface MemoryLimits {
  /** Requests at work, per device and family. */
  open: Record<RequestFamily, number>;
  /** Remembered requests per device. */
  entries: number;
  /** Bytes of remembered answers, per device and in all. */
  deviceBytes: number;
  totalBytes: number;
  ttlMs: number;
}

const DEFAULT_MEMORY_LIMITS: MemoryLimits = {
  open: { deploy: 64, join: 4, release: 64, prefetch: 16, invoke: 256, call: 256 },
  entries: 2048,
  deviceBytes: 4 * 1024 * 1024,
  totalBytes: 64 * 1024 * 1024,
  ttlMs: REQUEST_MEMORY_MS,
};

/** What an answer without a function's output weighs, roughly. */
const SMALL_REPLY_BYTES = 512;
const SWEEP_EVERY_MS = 60_000;

export class RememberedRequest {
  open = true;
  /** When it was answered for good, as the clock has it. */
  settledAt = 0;
  bytes = 0;
  private latest: { kind: Reply; message: ReplyMessage } | undefined;

  constructor(
    private readonly memory: RequestMemory,
    readonly family: RequestFamily,
    readonly device: string,
    readonly requestId: string,
  ) {}

  /** Sends an answer that is not the last one. */
  update<K extends Reply>(kind: K, message: ReplyMessage<K>): void {
    if (!this.open) return;
    this.latest = { kind, message };
    this.memory.devices.reply(this.device, kind, message);
  }

  /** Sends the last answer. `bytes`: size of the message where it is not small. */
  settle<K extends Reply>(kind: K, message: ReplyMessage<K>, bytes = SMALL_REPLY_BYTES): void {
    if (!this.open) return;
    this.update(kind, message);
    this.close(bytes);
  }

  fail(error: unknown): void {
    if (!this.open) return;
    const message = failedReply(this.requestId, error);
    this.settle('failed', message, Math.max(SMALL_REPLY_BYTES, JSON.stringify(message).length));
  }

  /** Ends it without an answer: a call whose result is discarded, an offer that lapsed. */
  close(bytes = SMALL_REPLY_BYTES): void {
    if (this.open) this.memory.closed(this, bytes);
  }

  /** Throws QUEUE_FULL. */
  reopen(): void {
    if (!this.open) this.memory.opened(this);
  }

  /** Sends the latest answer again; while there is none yet, it is still to come. */
  repeat(): void {
    if (this.latest !== undefined) {
      this.memory.devices.reply(this.device, this.latest.kind, this.latest.message);
    }
  }
}

interface DeviceMemory {
  requests: Map<string, RememberedRequest>;
  open: Partial<Record<RequestFamily, number>>;
  bytes: number;
}

export class RequestMemory {
  private readonly byDevice = new Map<string, DeviceMemory>();
  private readonly limits: MemoryLimits;
  private totalBytes = 0;
  private sweptAt: number;

  constructor(
    readonly devices: Devices,
    private readonly clock: Clock,
    limits: Partial<MemoryLimits> = {},
  ) {
    this.limits = { ...DEFAULT_MEMORY_LIMITS, ...limits };
    this.sweptAt = clock.now();
  }

  find(family: RequestFamily, device: string, requestId: string): RememberedRequest | undefined {
    const memory = this.byDevice.get(device);
    const found = memory?.requests.get(keyOf(family, requestId));
    if (found === undefined || memory === undefined || !this.expired(found)) return found;
    this.forget(memory, found);
    return undefined;
  }

  /** A new request. Throws QUEUE_FULL when the device has too many at work. */
  begin(family: RequestFamily, device: string, requestId: string): RememberedRequest {
    this.sweep();
    const request = new RememberedRequest(this, family, device, requestId);
    request.open = false;
    this.opened(request);
    const memory = this.memoryOf(device);
    memory.requests.set(keyOf(family, requestId), request);
    this.makeRoom(memory);
    return request;
  }

  /** Only RememberedRequest may use it. */
  opened(request: RememberedRequest): void {
    const memory = this.memoryOf(request.device);
    const open = memory.open[request.family] ?? 0;
    if (open >= this.limits.open[request.family]) {
      throw new EdgeError('QUEUE_FULL', `${open} requests of this device are at work`, {
        details: { kind: request.family, limit: this.limits.open[request.family] },
      });
    }
    memory.open[request.family] = open + 1;
    request.open = true;
    this.weigh(memory, request, 0);
  }

  /** Only RememberedRequest may use it. */
  closed(request: RememberedRequest, bytes: number): void {
    const memory = this.memoryOf(request.device);
    memory.open[request.family] = (memory.open[request.family] ?? 1) - 1;
    request.open = false;
    request.settledAt = this.clock.now();
    this.weigh(memory, request, bytes);
    this.makeRoom(memory);
  }

  /** Remembered requests, for tests and metrics. */
  get size(): number {
    let size = 0;
    for (const memory of this.byDevice.values()) size += memory.requests.size;
    return size;
  }

  private memoryOf(device: string): DeviceMemory {
    let memory = this.byDevice.get(device);
    if (memory === undefined) {
      memory = { requests: new Map(), open: {}, bytes: 0 };
      this.byDevice.set(device, memory);
    }
    return memory;
  }

  private weigh(memory: DeviceMemory, request: RememberedRequest, bytes: number): void {
    memory.bytes += bytes - request.bytes;
    this.totalBytes += bytes - request.bytes;
    request.bytes = bytes;
  }

  private makeRoom(memory: DeviceMemory): void {
    const { entries, deviceBytes, totalBytes } = this.limits;
    while (memory.requests.size > entries || memory.bytes > deviceBytes) {
      if (!this.forgetOldest(memory)) break;
    }
    while (this.totalBytes > totalBytes) {
      if (!this.forgetOldest(this.largest(memory))) break;
    }
  }

  /** False when all of the device's requests are at work. */
  private forgetOldest(memory: DeviceMemory): boolean {
    for (const request of memory.requests.values()) {
      if (request.open) continue;
      this.forget(memory, request);
      return true;
    }
    return false;
  }

  private largest(among: DeviceMemory): DeviceMemory {
    let largest = among;
    for (const memory of this.byDevice.values()) if (memory.bytes > largest.bytes) largest = memory;
    return largest;
  }

  private expired(request: RememberedRequest): boolean {
    return !request.open && this.clock.now() - request.settledAt >= this.limits.ttlMs;
  }

  private forget(memory: DeviceMemory, request: RememberedRequest): void {
    memory.requests.delete(keyOf(request.family, request.requestId));
    this.weigh(memory, request, 0);
  }

  private sweep(): void {
    const now = this.clock.now();
    if (now - this.sweptAt < SWEEP_EVERY_MS) return;
    this.sweptAt = now;
    for (const [device, memory] of this.byDevice) {
      for (const request of memory.requests.values()) {
        if (this.expired(request)) this.forget(memory, request);
      }
      if (memory.requests.size === 0) this.byDevice.delete(device);
    }
  }
}

function keyOf(family: RequestFamily, requestId: string): string {
  return `${family}/${requestId}`;
}
