import {
  claimedVersion,
  EdgeError,
  entitledPatterns,
  highestMatching,
  matchesAnyDevicePattern,
  satisfies,
  staticVersion,
  type GroupDefinition,
} from '../../protocol';
import type { Clock } from '../../lib/clock';
import { MultiMap } from '../../lib/multiMap';
import type { LocalFunction, LocalFunctions } from '../ports';

export interface ServingVersionsDeps {
  local: Pick<LocalFunctions, 'list' | 'on'>;
  clock: Clock;
  definition: () => GroupDefinition;
}

/** What a caller asks for; `version` is a range. */
export interface WantedVersion {
  function: string;
  version?: string | undefined;
}

/** Which version of a function serves whom on this edge, now or as soon as it has started. */
export class ServingVersions {
  /** By function name, those who wait for its next change. */
  private readonly waiting = new MultiMap<string, () => void>();

  constructor(private readonly deps: ServingVersionsDeps) {
    deps.local.on('changed', ({ manifest: { name } }) => {
      for (const wake of this.waiting.get(name)) wake();
    });
  }

  /**
   * The running version that serves this device: with a range the highest that matches; without one
   * the version that the device's claim holds, else the operator's, else the highest.
   */
  running(device: string, { function: name, version: range }: WantedVersion): LocalFunction | undefined {
    const { local } = this.deps;
    const running = local.list().filter((f) => f.state === 'running' && f.manifest.name === name);
    if (running.length === 0) return undefined;
    const find = (version: string | undefined) =>
      version === undefined ? undefined : running.find((f) => f.manifest.version === version);
    const versions = running.map((f) => f.manifest.version);
    if (range !== undefined) return find(range) ?? find(highestMatching(versions, range));
    const definition = this.deps.definition();
    return (
      find(claimedVersion(definition, device, name)) ??
      find(staticVersion(definition, name)) ??
      find(highestMatching(versions))
    );
  }

  /** A version that is about to run here, if there is one that `suits`. */
  coming(
    { function: name, version: range }: WantedVersion,
    suits: (coming: LocalFunction) => boolean = () => true,
  ): LocalFunction | undefined {
    return this.deps.local
      .list()
      .find(
        (local) =>
          (local.state === 'fetching' || local.state === 'starting') &&
          local.manifest.name === name &&
          satisfies(local.manifest.version, range) &&
          suits(local),
      );
  }

  /**
   * The running version, waited for until `until` (as the clock has it) while one is about to run: an edge
   * that was restarted takes calls before all of its functions are back. Undefined when none is coming, or
   * none that is worth waiting for. Throws TIMED_OUT, and what `isWorthWaiting` throws.
   */
  async awaitRunning(
    device: string,
    wanted: WantedVersion,
    until: number,
    isWorthWaiting: (coming: LocalFunction) => boolean,
  ): Promise<LocalFunction | undefined> {
    for (;;) {
      const running = this.running(device, wanted);
      if (running !== undefined) return running;
      const coming = this.coming(wanted);
      if (coming === undefined || !isWorthWaiting(coming)) return undefined;
      const left = until - this.deps.clock.now();
      if (left <= 0) throw new EdgeError('TIMED_OUT', `${wanted.function} did not start in time`);
      await this.nextChange(wanted.function, left);
    }
  }

  /** Resolves at the next change of a function of that name, or after `ms`. */
  private nextChange(functionName: string, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel();
        this.waiting.delete(functionName, wake);
        resolve();
      };
      const timer = this.deps.clock.setTimeout(wake, ms);
      this.waiting.add(functionName, wake);
    });
  }
}

export function isEntitled(
  definition: GroupDefinition,
  { manifest }: Pick<LocalFunction, 'manifest'>,
  device: string,
): boolean {
  return matchesAnyDevicePattern(entitledPatterns(definition, manifest), device);
}
