/** Work that has been begun and not ended. */
export class Underway {
  private readonly all = new Set<Promise<unknown>>();

  track<T>(work: Promise<T>): Promise<T> {
    const ended: Promise<unknown> = work
      .catch(() => undefined)
      .then(() => {
        this.all.delete(ended);
      });
    this.all.add(ended);
    return work;
  }

  /** Resolves when none is left, and what waited for it has run. */
  async idle(): Promise<void> {
    do {
      await Promise.all(this.all);
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.all.size > 0);
  }
}
