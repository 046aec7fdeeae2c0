/** Errors of a component, by the state in which they happened. */
export class ErrorCount {
  readonly #at = new Map<string, number[]>();

  constructor(private readonly now: () => number) {}

  /** True when this one is too many: the third within an hour in the same state. */
  add(state: string): boolean {
    const now = this.now();
    const recent = (this.#at.get(state) ?? []).filter((at) => now - at < RESET_MS);
    recent.push(now);
    this.#at.set(state, recent);
    return recent.length >= MOST;
  }

  clear(): void {
    this.#at.clear();
  }
}

/** Source: Lifecycle.java of the nucleus. */
const MOST = 3;
const RESET_MS = 3_600_000;
