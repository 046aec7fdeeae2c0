import { isDeepStrictEqual } from 'node:util';
import { isTree, leaves, parsePointer, removeAt, setAt, valueAt, type Tree } from './tree';

/** What a deployment does to the configuration of a component. */
export interface ConfigurationChange {
  /** Of the recipe: fill in what is not there. */
  defaults: Tree;
  /** JSON pointers of what goes back to its default. */
  reset: readonly string[];
  merge: Tree;
  /** When the deployment was made, in milliseconds since the epoch. */
  at: number;
}

/** As it is kept: the values, and by path (JSON text) when each was set. */
export interface KeptConfiguration {
  value: Tree;
  times: Record<string, number>;
}

/** Called with the path of each value that changed, came or went. */
export type Watcher = (path: string[]) => void;

/** Defaults yield to whatever was ever set. */
const DEFAULT_TIME = 1;

/**
 * The configuration of each component, as the nucleus keeps it: values stay until they are reset or the
 * component is removed; a merge adds and replaces, never removes; an older change does not replace a newer
 * value. Source: developer guide, "Update component configurations".
 */
export class ConfigurationStore {
  readonly #configurations = new Map<string, KeptConfiguration>();
  readonly #watchers = new Set<{ component: string; path: readonly string[]; notify: Watcher }>();

  of(component: string): Tree | undefined {
    return this.#configurations.get(component)?.value;
  }

  /** Undefined when there is nothing; the empty path is the whole configuration. */
  at(component: string, path: readonly string[]): unknown {
    return valueAt(this.of(component), path);
  }

  /** What `change` would make of the configuration. */
  preview(component: string, { defaults, reset, merge, at }: ConfigurationChange): KeptConfiguration {
    const next = structuredClone(this.#configurations.get(component)) ?? { value: {}, times: {} };
    for (const pointer of reset) removeFrom(next, parsePointer(pointer));
    mergeInto(next, [], defaults, DEFAULT_TIME);
    mergeInto(next, [], merge, at);
    return next;
  }

  /** Replaces the configuration and tells who watches; undefined removes it. */
  put(component: string, next: KeptConfiguration | undefined): void {
    const before = this.of(component) ?? {};
    if (next === undefined) this.#configurations.delete(component);
    else this.#configurations.set(component, next);
    this.#tell(component, changedPaths(before, next?.value ?? {}));
  }

  /** False when what is there is newer. */
  merge(component: string, path: readonly string[], value: Tree, at: number): boolean {
    const next = structuredClone(this.#configurations.get(component)) ?? { value: {}, times: {} };
    const newest = Math.max(
      0,
      ...leaves(valueAt(next.value, path), path).map((leaf) => timeOf(next, leaf.path)),
    );
    if (newest > at) return false;
    mergeInto(next, path, value, at);
    this.put(component, next);
    return true;
  }

  watch(component: string, path: readonly string[], notify: Watcher): () => void {
    const watcher = { component, path, notify };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** With the times at which values were set. */
  keptOf(component: string): KeptConfiguration | undefined {
    return structuredClone(this.#configurations.get(component));
  }

  #tell(component: string, changed: readonly string[][]): void {
    for (const watcher of this.#watchers) {
      if (watcher.component !== component) continue;
      for (const path of changed) {
        if (isBelow(path, watcher.path) || isBelow(watcher.path, path)) watcher.notify(path);
      }
    }
  }
}

function mergeInto(kept: KeptConfiguration, at: readonly string[], value: unknown, time: number): void {
  for (const leaf of leaves(value, at)) {
    if (blockedByNewer(kept, leaf.path, time)) continue;
    forget(kept, leaf.path, isTree(leaf.value));
    setAt(kept.value, leaf.path, leaf.value);
    kept.times[keyOf(leaf.path)] = time;
  }
}

/** A value, or one on the way to it or below it, that was set later. A default yields to any. */
function blockedByNewer(kept: KeptConfiguration, path: readonly string[], time: number): boolean {
  if (time === DEFAULT_TIME && valueAt(kept.value, path) !== undefined) return true;
  for (let length = 1; length <= path.length; length += 1) {
    if (timeOf(kept, path.slice(0, length)) > time) return true;
  }
  return false;
}

/** A new leaf replaces what was at its path and below, unless it is an empty object. */
function forget(kept: KeptConfiguration, path: readonly string[], isEmptyTree: boolean): void {
  if (isEmptyTree) return;
  for (const key of Object.keys(kept.times)) {
    if (isBelow(JSON.parse(key) as string[], path)) Reflect.deleteProperty(kept.times, key);
  }
}

function removeFrom(kept: KeptConfiguration, path: readonly string[]): void {
  if (path.length === 0) {
    kept.value = {};
    kept.times = {};
    return;
  }
  removeAt(kept.value, path);
  forget(kept, path, false);
}

function changedPaths(before: Tree, after: Tree): string[][] {
  const paths = new Map([...leaves(before), ...leaves(after)].map(({ path }) => [keyOf(path), path]));
  return [...paths.values()].filter(
    (path) => !isDeepStrictEqual(valueAt(before, path), valueAt(after, path)),
  );
}

function timeOf({ times }: KeptConfiguration, path: readonly string[]): number {
  return times[keyOf(path)] ?? 0;
}

function keyOf(path: readonly string[]): string {
  return JSON.stringify(path);
}

function isBelow(path: readonly string[], ancestor: readonly string[]): boolean {
  return ancestor.every((key, index) => path[index] === key);
}
