export interface Reading {
  /** Milliseconds since 1970. */
  at: number;
  /** Degrees Celsius. */
  value: number;
}

/** Throws TypeError naming what is wrong: the caller is a device or a browser. */
export function readingsOf(input: unknown): Reading[] {
  const readings = (input as { readings?: unknown } | null)?.readings;
  if (!Array.isArray(readings) || readings.length === 0) {
    throw new TypeError('readings: expected a list of one or more');
  }
  for (const reading of readings as Partial<Reading>[]) {
    if (!Number.isFinite(reading.at) || !Number.isFinite(reading.value)) {
      throw new TypeError('readings: expected numbers "at" and "value" in each');
    }
  }
  return readings as Reading[];
}
