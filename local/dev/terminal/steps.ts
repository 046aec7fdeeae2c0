import type { Clock, Timer } from '../../../lib/clock';

/** A line that shows what is under way. */
export interface Progress {
  show: (text: string) => void;
  hide: () => void;
}

const SECOND_MS = 1_000;

/** Shows each step that takes longer than a second while it lasts, and no longer. */
export class Steps {
  constructor(
    private readonly progress: Progress,
    private readonly clock: Clock,
  ) {}

  /** `detail` of the work says what it does just now. */
  async run<T>(text: string, work: (detail: (text: string) => void) => Promise<T>): Promise<T> {
    const begun = this.clock.now();
    let detail = '';
    let shown = false as boolean;
    let timer: Timer;
    const show = (): void => {
      shown = true;
      const seconds = Math.round((this.clock.now() - begun) / SECOND_MS);
      this.progress.show(`${text} (${seconds} s)${detail === '' ? '' : `: ${detail}`}`);
      timer = this.clock.setTimeout(show, SECOND_MS);
    };
    timer = this.clock.setTimeout(show, SECOND_MS);
    try {
      return await work((now) => (detail = now));
    } finally {
      timer.cancel();
      if (shown) this.progress.hide();
    }
  }
}
