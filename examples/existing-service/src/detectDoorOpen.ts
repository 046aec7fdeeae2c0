import { readingsOf, type Reading } from './readings';

/** Degrees per minute; insulation lets less through even when the cooling has failed. */
const FASTEST_WHEN_CLOSED = 0.4;
const MINUTE_MS = 60_000;

export async function handler(event: { readings: Reading[] }) {
  const readings = readingsOf(event);
  const slopes = readings.slice(1).map(({ at, value }, index) => {
    const before = readings[index] as Reading;
    return ((value - before.value) / (at - before.at)) * MINUTE_MS;
  });
  const steepest = Math.max(0, ...slopes);
  return { open: steepest > FASTEST_WHEN_CLOSED, degreesPerMinute: steepest };
}
