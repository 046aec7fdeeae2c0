import { median, samplesOf, type Window } from './window';

/** Moving median: takes out single spikes, keeps steps sharp. */
export async function handler(event: Window & { width?: number }): Promise<Window> {
  const samples = samplesOf(event);
  const half = Math.max(1, Math.floor((event.width ?? 5) / 2));
  return {
    samples: samples.map((_sample, index) =>
      median(samples.slice(Math.max(0, index - half), index + half + 1)),
    ),
  };
}
