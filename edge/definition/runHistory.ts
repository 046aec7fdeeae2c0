import { functionKey, splitFunctionKey, type GroupDefinition } from '../../protocol';
import type { LocalFunction, LocalFunctions } from '../ports';
import type { StoredDefinition } from './stores';

type RunRecord = { [Key in 'proven' | 'lastRun']-?: NonNullable<StoredDefinition[Key]> };

/**
 * What has run on this core, over restarts, of the functions that its group wants. `proven` by
 * `name@version`: if that does not start again, it is no fault of the version. `lastRun` by name: the
 * version to go back to, also when whoever delivers functions took it away before the next one ran.
 */
export class RunHistory {
  private readonly proven = new Set<string>();
  private readonly lastRun = new Map<string, string>();
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

  isProven(key: string): boolean {
    return this.proven.has(key);
  }

  lastRunOf(functionName: string): string | undefined {
    return this.lastRun.get(functionName);
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
    const names = new Set(Object.keys(functions).map((key) => splitFunctionKey(key).name));
    for (const name of this.lastRun.keys()) if (!names.has(name)) this.lastRun.delete(name);
    return { proven: [...this.proven].sort(), lastRun: Object.fromEntries(this.lastRun) };
  }
}

function textOf({ proven, lastRun }: RunRecord): string {
  const last = Object.entries(lastRun).map(([name, version]) => functionKey(name, version));
  return [...proven, '', ...last.sort()].join();
}
