export interface Calibration {
  offset: number;
  gain: number;
}

interface Point {
  raw: number;
  reference: number;
}

/** Offset and gain from two reference points: `reference = offset + gain × raw`. */
export async function handler(event: { low: Point; high: Point }): Promise<Calibration> {
  const { low, high } = event;
  if (low.raw === high.raw) throw new RangeError('low.raw and high.raw: expected two different readings');
  const gain = (high.reference - low.reference) / (high.raw - low.raw);
  return { gain, offset: low.reference - gain * low.raw };
}
