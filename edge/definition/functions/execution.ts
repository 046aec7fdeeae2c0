import pLimit from 'p-limit';
import type { Logger } from 'pino';
import { EdgeError } from '../../../protocol/errors';
import type { PackageLocation } from '../../../protocol/http';
import type { FunctionManifest } from '../../../protocol/manifest';
import type { FunctionPackages } from '../../../runtime/packages/packages';
import type { FunctionHost, FunctionSpec } from '../../../runtime/types';
import type { FunctionState } from '../../ports';
import type { FunctionRights } from './edgeApi';
import type { FunctionEntry, FunctionTable } from './functionTable';
import type { GroupLimits } from './limits';
import type { StepExecutors } from './plan';

const FETCHES_AT_ONCE = 6;
/** Loading a module takes a core; more at once only delay each other. */
const STARTS_AT_ONCE = 2;

/** An instance without a call for this long is ended. */
const IDLE_MS = 5 * 60_000;
/** Calls of one function that may wait for an instance. */
const MAX_QUEUE = 256;

export interface ExecutionParts {
  host: FunctionHost;
  store: FunctionPackages;
  /** Throws EdgeError (CLOUD_UNREACHABLE, …). */
  locate: (digest: string) => Promise<PackageLocation>;
  download: (location: PackageLocation) => Promise<Buffer>;
  /** What every function on this edge has, unless it sets the same itself. */
  environment?: Record<string, string>;
  log: Logger;
}

/** Executes the steps of plans: fetches packages, starts and stops functions, and notes it in the table. */
export class PlanExecution {
  limits: GroupLimits | undefined;
  /** Versions whose last calls are finishing, with their digests. */
  private readonly ending = new Map<Promise<void>, string>();
  /** Gives up waiting for a package that a newer target no longer names. By key. */
  private readonly giveUps = new Map<string, () => void>();
  private readonly fetchLimit = pLimit(FETCHES_AT_ONCE);
  private readonly startLimit = pLimit(STARTS_AT_ONCE);

  constructor(
    private readonly parts: ExecutionParts,
    private readonly table: FunctionTable,
  ) {}

  readonly executors: StepExecutors = {
    evict: ({ digest }) => this.parts.store.evict(digest),
    fetch: ({ key }) =>
      this.attempt(key, 'fetching', (entry) =>
        this.fetchLimit(() => this.unlessGivenUp(key, this.bring(entry))),
      ),
    start: ({ key }) => this.attempt(key, 'starting', (entry) => this.startLimit(() => this.start(entry))),
    switch: ({ key }) => {
      const entry = this.table.get(key);
      if (entry === undefined) return;
      entry.phase = 'serving';
      this.table.setState(entry, 'running');
    },
    drain: ({ key }) => {
      const entry = this.table.get(key);
      if (entry) entry.phase = 'draining';
    },
    stop: ({ key }) => this.stop(key),
  };

  /** Packages of versions that run, also of those whose last calls are finishing. */
  digestsInUse(): string[] {
    const running = this.table.values().filter(({ phase }) => phase !== 'failed');
    return [...running.map(({ manifest }) => manifest.digest), ...this.ending.values()];
  }

  giveUpUnwanted(): void {
    for (const [key, giveUp] of this.giveUps) if (!this.table.isWanted(key)) giveUp();
  }

  giveUpAll(): void {
    for (const giveUp of this.giveUps.values()) giveUp();
  }

  /** Resolves when every version that was stopped has ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.ending.keys());
  }

  /** The calls in flight finish in the background: nobody who waits for a new version waits for them. */
  stop(key: string): void {
    const entry = this.table.get(key);
    if (entry === undefined) return;
    this.table.delete(key);
    const { host, store, log } = this.parts;
    const ended: Promise<void> = host
      .stop(key)
      .catch((err: unknown) => log.warn({ err, function: key }, 'could not be stopped'))
      .finally(() => {
        this.ending.delete(ended);
        store.delivery?.release(entry.manifest.digest);
      });
    this.ending.set(ended, entry.manifest.digest);
    this.table.expect(key);
  }

  /** A failure is the function's own: it is recorded there, and the rest of its steps are dropped. */
  private async attempt(
    key: string,
    state: FunctionState,
    work: (entry: FunctionEntry) => Promise<void>,
  ): Promise<void> {
    const entry = this.table.get(key);
    if (entry === undefined) return;
    this.table.setState(entry, state);
    try {
      await work(entry);
    } catch (thrown) {
      this.table.fail(entry, EdgeError.from(thrown));
      throw thrown;
    }
  }

  private async bring({ key, manifest: { digest } }: FunctionEntry): Promise<void> {
    const { store, locate, download } = this.parts;
    if (!this.table.isWanted(key)) throw noLongerWanted();
    // Someone else's fetch may have used an address that has expired.
    await store.fetching(digest)?.catch(() => undefined);
    await store.fetch(digest, async () => download(await locate(digest)));
  }

  private async unlessGivenUp(key: string, work: Promise<void>): Promise<void> {
    const givenUp = new Promise<never>((_resolve, reject) => {
      this.giveUps.set(key, () => reject(noLongerWanted()));
    });
    try {
      await Promise.race([work, givenUp]);
    } finally {
      this.giveUps.delete(key);
    }
  }

  private async start(entry: FunctionEntry): Promise<void> {
    const { store, host } = this.parts;
    const { digest } = entry.manifest;
    store.touch(digest);
    const spec = specOf(entry.manifest, store.directory(digest), this.limits);
    spec.environment = { ...this.parts.environment, ...spec.environment };
    spec.verifyCode = () => this.verifyCode(entry);
    await host.start(entry.key, spec);
    entry.phase = 'started';
  }

  /** Fetches a package anew whose files were changed on this edge, by whatever ran here. */
  private async verifyCode({ key, manifest: { digest } }: FunctionEntry): Promise<void> {
    const { store, locate, download, log } = this.parts;
    if (await store.isIntact(digest)) return;
    log.warn({ function: key, digest }, 'the files of the package were changed here: it is fetched anew');
    await store.evict(digest);
    await store.fetch(digest, async () => download(await locate(digest)));
  }
}

/** What the host needs to run a version whose package is unpacked in `directory`. */
function specOf(
  manifest: FunctionManifest,
  directory: string,
  limits: GroupLimits | undefined,
): FunctionSpec {
  const { name, version, publishes = [], invokes = [] } = manifest;
  return {
    directory,
    handler: manifest.handler,
    memoryMiB: manifest.memory,
    timeoutMs: manifest.timeout * 1000,
    environment: manifest.environment,
    maxInstances: Math.min(manifest.instances, limits?.instances ?? Infinity),
    maxQueue: MAX_QUEUE,
    pinned: manifest.pinned,
    rights: { publishes, invokes } satisfies FunctionRights,
    idleMs: IDLE_MS,
    context: {
      functionName: name,
      functionVersion: version,
      // An edge has no account; the form is what handlers that parse the ARN expect.
      invokedFunctionArn: `arn:aws:lambda:edge:000000000000:function:${name}:${version}`,
    },
  };
}

function noLongerWanted(): EdgeError {
  return new EdgeError('ABORTED', 'no longer wanted');
}
