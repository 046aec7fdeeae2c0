import { EventEmitter } from 'node:events';
import { EdgeError } from '../../../../protocol/errors';
import { backgroundClock, type Clock, type Timer } from '../../../../lib/clock';
import type { FunctionPackages, PackageDelivery, StoredPackage } from '../../../../runtime/packages/packages';
import type { ComponentHosts } from './componentHosts';

/** A host that Greengrass restarts, or that lost the core for a moment, is back sooner. */
const RETURN_MS = 10_000;
/** Less than the time after which a device is told that its deployment took too long. */
const PATIENCE_MS = 50_000;

/**
 * Function packages that Greengrass brings: one is here while the component host that lies beside it is
 * connected. Greengrass keeps and removes them, so nothing is downloaded or evicted.
 */
export class HostedPackages implements FunctionPackages {
  limitBytes = Infinity;
  needed: () => ReadonlySet<string> = () => new Set();
  readonly delivery: PackageDelivery;
  private readonly emitter = new EventEmitter();
  /** Packages whose host is away, and may be back soon. */
  private readonly away = new Map<string, Timer>();

  constructor(
    private readonly hosts: ComponentHosts,
    private readonly clock: Clock = backgroundClock,
  ) {
    this.delivery = {
      patienceMs: PATIENCE_MS,
      isStillNeeded: () => false,
      release: (digest) => hosts.release(digest),
      onArrived: (listener) => void this.emitter.on('arrived', listener),
      onLost: (listener) => void this.emitter.on('lost', listener),
    };
    hosts.on('arrived', ({ digest }) => {
      this.back(digest);
      this.emitter.emit('arrived', digest);
    });
    hosts.isStillNeeded = ({ digest }) => this.delivery.isStillNeeded(digest);
    hosts.on('left', ({ digest }, { forGood }) => this.left(digest, forGood));
  }

  has(digest: string): boolean {
    return this.hosts.find(digest) !== undefined;
  }

  directory(digest: string): string {
    const host = this.hosts.find(digest);
    if (host === undefined) throw notHere();
    return host.directory;
  }

  packages(): StoredPackage[] {
    // The room that they take is Greengrass's to manage.
    return this.hosts.list().map(({ digest }) => ({ digest, bytes: 0, lastUsed: 0 }));
  }

  touch(): void {}

  fetching(): undefined {
    return undefined;
  }

  /** Throws DEPLOYMENT_TIMED_OUT for one that is not here: it comes by itself. */
  fetch(digest: string): Promise<string> {
    return this.has(digest) ? Promise.resolve(this.directory(digest)) : Promise.reject(notHere());
  }

  /** Greengrass knows itself what it has to bring. */
  prefetch(): Promise<void> {
    return Promise.resolve();
  }

  evict(): Promise<void> {
    return Promise.resolve();
  }

  /** Greengrass keeps what it brought where functions cannot write, or is not for this core to mend. */
  isIntact(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    for (const digest of [...this.away.keys()]) this.back(digest);
    this.emitter.removeAllListeners();
    return Promise.resolve();
  }

  private back(digest: string): void {
    this.away.get(digest)?.cancel();
    this.away.delete(digest);
  }

  private left(digest: string, forGood: boolean): void {
    this.back(digest);
    const lost = () => {
      this.away.delete(digest);
      this.emitter.emit('lost', digest);
    };
    if (forGood) lost();
    else this.away.set(digest, this.clock.setTimeout(lost, RETURN_MS));
  }
}

function notHere(): EdgeError {
  return new EdgeError('DEPLOYMENT_TIMED_OUT', 'the component host of the function is not connected');
}
