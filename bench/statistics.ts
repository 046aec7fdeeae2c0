/** The value below which the fraction `q` of the samples lies (nearest rank). */
export function quantile(samples: readonly number[], q: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1));
  return sorted[rank] ?? Number.NaN;
}

export interface Summary {
  p50: number;
  p99: number;
}

/** The median over several runs of each run's median and 99th percentile. */
export function summarise(runs: readonly (readonly number[])[]): Summary {
  return {
    p50: quantile(
      runs.map((run) => quantile(run, 0.5)),
      0.5,
    ),
    p99: quantile(
      runs.map((run) => quantile(run, 0.99)),
      0.5,
    ),
  };
}

/** Ratios are taken run by run against the baseline of the same run: the machine's speed drifts. */
export function ratios(
  runs: readonly (readonly number[])[],
  baseline: readonly (readonly number[])[],
): Summary {
  const ratioAt = (q: number): number =>
    quantile(
      runs.map((run, index) => quantile(run, q) / quantile(baseline[index] ?? [], q)),
      0.5,
    );
  return { p50: ratioAt(0.5), p99: ratioAt(0.99) };
}
