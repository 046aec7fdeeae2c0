import { EdgeError, type GroupDefinition } from '../../protocol';
import type { Clock, Timer } from '../../lib/clock';
import { MultiMap } from '../../lib/multiMap';
import type { Claims } from '../claims/claims';
import type { RememberedRequest } from './requestMemory';

export interface JoinsDeps {
  /** Thing name of this core. */
  core: string;
  claims: Claims;
  clock: Clock;
  definition: () => GroupDefinition;
}

interface WaitingJoin {
  request: RememberedRequest;
  timer: Timer;
}

/** How long a device waits for the definition that shows it. */
const SHOWN_MS = 30_000;

/**
 * Devices that join. `joined` says that the definition in force lists the device: whatever it asks for
 * next, the cloud knows it too. One that moved here is added by one update, however often it asks.
 */
export class Joins {
  /** By device. */
  private readonly waiting = new MultiMap<string, WaitingJoin>();

  constructor(private readonly deps: JoinsDeps) {}

  join(request: RememberedRequest): void {
    const { device } = request;
    const { claims } = this.deps;
    if (claims.isListed(device)) {
      this.joined(request);
      return;
    }
    const isFirst = !this.waiting.has(device);
    this.wait(request);
    if (!isFirst) return;
    claims.join(device).catch((error: unknown) => {
      for (const waiting of this.waiting.get(device)) this.fail(waiting, error);
    });
  }

  /** A new definition is in force. */
  applied(): void {
    for (const waiting of this.waiting.all()) {
      const { request } = waiting;
      if (this.deps.claims.isListed(request.device)) this.end(waiting, () => this.joined(request));
    }
  }

  close(): void {
    const error = new EdgeError('CLOSED', 'the edge core is stopping');
    for (const waiting of this.waiting.all()) this.fail(waiting, error);
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
    const timer = this.deps.clock.setTimeout(() => this.fail(waiting, late), SHOWN_MS);
    const waiting: WaitingJoin = { request, timer };
    this.waiting.add(request.device, waiting);
  }

  private fail(waiting: WaitingJoin, error: unknown): void {
    this.end(waiting, () => waiting.request.fail(error));
  }

  private end(waiting: WaitingJoin, answer: () => void): void {
    if (!this.waiting.delete(waiting.request.device, waiting)) return;
    waiting.timer.cancel();
    answer();
  }
}
