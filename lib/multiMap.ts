/** Any number of values under each key. What is given out is a copy, so the map may change meanwhile. */
export class MultiMap<K, V> {
  private readonly sets = new Map<K, Set<V>>();

  has(key: K): boolean {
    return this.sets.has(key);
  }

  get(key: K): V[] {
    return [...(this.sets.get(key) ?? [])];
  }

  all(): V[] {
    return [...this.sets.values()].flatMap((values) => [...values]);
  }

  add(key: K, value: V): void {
    const values = this.sets.get(key) ?? new Set();
    this.sets.set(key, values.add(value));
  }

  /** False when it was not there. */
  delete(key: K, value: V): boolean {
    const values = this.sets.get(key);
    if (values?.delete(value) !== true) return false;
    if (values.size === 0) this.sets.delete(key);
    return true;
  }
}
