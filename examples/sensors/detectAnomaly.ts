import { median, samplesOf, type Window } from './window';

export interface Verdict {
  anomalies: { index: number; value: number; score: number }[];
  median: number;
}

/** For normally distributed samples, 1.4826 × the median absolute deviation estimates the standard deviation. */
const TO_SIGMA = 1.4826;

/** Samples more than `threshold` robust standard deviations from the median of their window. */
export async function handler(event: Window & { threshold?: number }): Promise<Verdict> {
  const samples = samplesOf(event);
  const centre = median(samples);
  const deviation = TO_SIGMA * median(samples.map((sample) => Math.abs(sample - centre)));
  const score = (sample: number): number => (deviation === 0 ? 0 : Math.abs(sample - centre) / deviation);
  return {
    median: centre,
    anomalies: samples
      .map((value, index) => ({ index, value, score: Number(score(value).toFixed(2)) }))
      .filter((sample) => sample.score > (event.threshold ?? 3.5)),
  };
}
