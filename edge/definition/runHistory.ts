import {
  boundedReason,
  functionKey,
  highestMatching,
  isDefinitive,
  splitFunctionKey,
  wantedFunctions,
  wantedUpTo,
  type VersionFailure,
  type GroupDefinition,
} from '../../protocol';
import type { LocalFunction, LocalFunctions } from '../ports';
import type { StoredDefinition } from './definitionStore';

type RunRecord = { [Key in 'proven' | 'lastRun']-?: NonNullable<StoredDefinition[Key]> };

/**
 * What has run on this core, over restarts, of the functions that its group wants. `proven` by
 * `name@version`: if that does not start again, it is no fault of the version. `lastRun` by name: the
 * version to go back to, also when whoever delivers functions took it away before the next one ran.
 */
export class RunHistory {
  private readonly proven = new Set<string>();
  private readonly lastRun = new Map<string, string>();
  /** The revision for which the failure of a function was reported, by the function's key. */
  private readonly reported = new Map<string, number>();
  private stored = '';

  constructor(private readonly local: Pick<LocalFunctions, 'list'>) {}

  restore({ proven = [], lastRun = {} }: Pick<StoredDefinition, 'proven' | 'lastRun'>): void {
    for (const key of proven) this.proven.add(key);
    for (const [name, version] of Object.entries(lastRun)) this.lastRun.set(name, version);
  }

  ran({ key, manifest: { name, version } }: LocalFunction): void {
    this.proven.add(key);
    this.lastRun.set(name, version);
  }

  /**
   * What the cloud is to be told of a version that did not start for `definition`: the reason, for which
   * claims and static it was tried, and the version that serves on or served last. Undefined when it was told
   * of this revision already, when the version is not to blame, when another attempt may succeed, and when
   * the definition does not want it.
   */
  failureOf(failed: LocalFunction, definition: GroupDefinition): VersionFailure | undefined {
    const { key, manifest, error } = failed;
    const { name, version } = manifest;
    if (failed.undelivered || this.proven.has(key)) return undefined;
    const upTo = wantedUpTo(definition, name, version);
    if (error === undefined || upTo === undefined || !isDefinitive(error)) return undefined;
    if (this.reported.get(key) === definition.revision) return undefined;
    this.reported.set(key, definition.revision);
    const running = this.lastGood(name, version, definition);
    const reason = boundedReason(error);
    return { function: name, version, error: reason, ...(running !== undefined && { running }), upTo };
  }

  /** To be stored with this definition. What that no longer names would be tried anew, and is forgotten. */
  toStore(definition: GroupDefinition): RunRecord {
    const content = this.keptFor(definition);
    this.stored = textOf(content);
    return content;
  }

  /** Whether something has run since it was last stored. */
  hasChanged(definition: GroupDefinition): boolean {
    return textOf(this.keptFor(definition)) !== this.stored;
  }

  private keptFor({ functions }: GroupDefinition): RunRecord {
    for (const { key, state } of this.local.list()) if (state === 'running') this.proven.add(key);
    for (const key of this.proven) if (functions[key] === undefined) this.proven.delete(key);
    for (const key of this.reported.keys()) if (functions[key] === undefined) this.reported.delete(key);
    const names = new Set(Object.keys(functions).map((key) => splitFunctionKey(key).name));
    for (const name of this.lastRun.keys()) if (!names.has(name)) this.lastRun.delete(name);
    return { proven: [...this.proven].sort(), lastRun: Object.fromEntries(this.lastRun) };
  }

  /**
   * The version that the failed one should have replaced, also one that is gone by now: Greengrass does not
   * wait for a new version to load. Else the highest that runs.
   */
  private lastGood(name: string, failed: string, definition: GroupDefinition): string | undefined {
    const running = this.local
      .list()
      .filter(({ state, manifest }) => state === 'running' && manifest.name === name)
      .map(({ manifest: { version } }) => version);
    const last = this.lastRun.get(name);
    const wanted = new Set(wantedFunctions(definition).map(({ key }) => key));
    const isReplaced = (version: string) => !wanted.has(functionKey(name, version));
    const replaced = running.filter(isReplaced);
    const gone = last !== undefined && isReplaced(last) ? [last] : [];
    const candidates = [replaced, gone, running].find((some) => some.length > 0) ?? [];
    return highestMatching(candidates.filter((version) => version !== failed));
  }
}

function textOf({ proven, lastRun }: RunRecord): string {
  const last = Object.entries(lastRun).map(([name, version]) => functionKey(name, version));
  return [...proven, '', ...last.sort()].join();
}
