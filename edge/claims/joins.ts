import { EdgeError, type GroupDefinition } from '../../protocol';
import type { Clock } from '../../lib/clock';
import type { DefinitionUpdates } from './definitionUpdates';
import type { RememberedRequest } from '../requests/requestMemory';

export interface JoinsDeps {
  /** Thing name of this core. */
  core: string;
  updates: DefinitionUpdates;
  clock: Clock;
  definition(): GroupDefinition;
  /** Certificate id with which a device is connected. */
  certificateOf(device: string): string | undefined;
}

interface WaitingJoin {
  request: RememberedRequest;
  timer: { cancel(): void };
}

/** How long a device waits for the definition that shows it. */
const SHOWN_MS = 30_000;

/**
 * Devices that join. `joined` says that the definition in force lists the device: whatever it asks for
 * next, the cloud knows it too. One that moved here is added by one update, however often it asks.
 */
export class Joins {
  private readonly waiting = new Map<string, Set<WaitingJoin>>();

  constructor(private readonly deps: JoinsDeps) {}

  join(request: RememberedRequest): void {
    const { device } = request;
    if (this.isListed(device)) return this.joined(request);
    const certificateId = this.deps.certificateOf(device);
    if (certificateId === undefined) return request.fail(new EdgeError('UNKNOWN_DEVICE'));
    const isFirst = !this.waiting.has(device);
    this.wait(request);
    if (!isFirst) return;
    this.deps.updates.submit({ type: 'join', device, certificateId }).catch((error: unknown) => {
      for (const waiting of [...(this.waiting.get(device) ?? [])]) this.fail(waiting, error);
    });
  }

  /** A claim of a device that moved here counts only once the device is in the group. */
  joinInBackground(device: string): void {
    if (this.isListed(device) || this.deps.updates.joining(device)) return;
    const certificateId = this.deps.certificateOf(device);
    if (certificateId !== undefined) {
      this.deps.updates.submitInBackground({ type: 'join', device, certificateId });
    }
  }

  /** A new definition is in force. */
  applied(): void {
    for (const waiting of this.all()) {
      if (this.isListed(waiting.request.device)) this.end(waiting, () => this.joined(waiting.request));
    }
  }

  close(): void {
    const error = new EdgeError('CLOSED', 'the edge core is stopping');
    for (const waiting of this.all()) this.fail(waiting, error);
  }

  /** With the certificate that it presents: a device that got a new one joins with that. */
  private isListed(device: string): boolean {
    const entry = this.deps.definition().devices[device];
    if (entry === undefined) return false;
    const presented = this.deps.certificateOf(device);
    return presented === undefined || presented === entry.certificateId;
  }

  private joined(request: RememberedRequest): void {
    const { revision } = this.deps.definition();
    request.settle('joined', { requestId: request.requestId, edge: this.deps.core, revision });
  }

  private wait(request: RememberedRequest): void {
    const late = new EdgeError(
      'DEPLOYMENT_TIMED_OUT',
      'no definition of the group showed the device in time',
    );
    const waiting: WaitingJoin = {
      request,
      timer: this.deps.clock.setTimeout(() => this.fail(waiting, late), SHOWN_MS),
    };
    const sameDevice = this.waiting.get(request.device) ?? new Set();
    this.waiting.set(request.device, sameDevice.add(waiting));
  }

  private fail(waiting: WaitingJoin, error: unknown): void {
    this.end(waiting, () => waiting.request.fail(error));
  }

  private end(waiting: WaitingJoin, answer: () => void): void {
    const { device } = waiting.request;
    const sameDevice = this.waiting.get(device);
    if (sameDevice?.delete(waiting) !== true) return;
    if (sameDevice.size === 0) this.waiting.delete(device);
    waiting.timer.cancel();
    answer();
  }

  private all(): WaitingJoin[] {
    return [...this.waiting.values()].flatMap((sameDevice) => [...sameDevice]);
  }
}
