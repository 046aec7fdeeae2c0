import type { Clock } from '../../lib/clock';

/** Time that moves only when told, and then step by step through all that is due. */
export function manualTimers(start = 0): { timers: Clock; advance(ms: number): void } {
  let now = start;
  let entries: { due: number; callback: () => void }[] = [];
  return {
    timers: {
      now: () => now,
      setTimeout(callback, ms) {
        const entry = { due: now + ms, callback };
        entries.push(entry);
        return { cancel: () => void (entries = entries.filter((other) => other !== entry)) };
      },
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = entries.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due);
        if (next === undefined) break;
        entries = entries.filter((entry) => entry !== next);
        now = next.due;
        next.callback();
      }
      now = end;
    },
  };
}
