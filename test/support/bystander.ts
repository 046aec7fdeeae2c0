import type { TestDevice } from './device';

/** Milliseconds between its calls: at work, and not in the way of what is tested. */
const PACE_MS = 20;

/** Another device that keeps calling its function, so that a test can tell that it noticed nothing. */
export class Bystander {
  private calls = 0;
  private stopped = false;
  private readonly work: Promise<void>;

  constructor(
    private readonly device: TestDevice,
    private readonly name: string,
    private readonly input: unknown,
  ) {
    this.work = this.run();
    // Whoever stops it hears of a failure.
    this.work.catch(() => undefined);
  }

  /** How many calls succeeded. Throws the first one that did not. */
  async stop(): Promise<number> {
    this.stopped = true;
    await this.work;
    return this.calls;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      await this.device.invoke(this.name, this.input);
      this.calls += 1;
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    }
  }
}
