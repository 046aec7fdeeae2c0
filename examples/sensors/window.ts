/** What a device sends: samples in the order in which they were taken. */
export interface Window {
  samples: number[];
}

export function samplesOf(event: Partial<Window>): number[] {
  const { samples } = event;
  if (!Array.isArray(samples) || samples.length === 0 || !samples.every(Number.isFinite)) {
    throw new TypeError('samples: expected a non-empty array of finite numbers');
  }
  return samples;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
