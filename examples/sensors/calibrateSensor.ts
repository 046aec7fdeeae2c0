import type { EdgeContext } from 'serverless-edge-on-demand';

export interface Calibration {
  offset: number;
  gain: number;
}

interface Point {
  raw: number;
  reference: number;
}

/**
 * Offset and gain from two reference points: `reference = offset + gain × raw`. Devices that subscribe to
 * `calibrations/+` hear of it.
 */
export async function handler(
  event: { low: Point; high: Point },
  context?: EdgeContext,
): Promise<Calibration> {
  const { low, high } = event;
  if (low.raw === high.raw) throw new RangeError('low.raw and high.raw: expected two different readings');
  const gain = (high.reference - low.reference) / (high.raw - low.raw);
  const calibration = { gain, offset: low.reference - gain * low.raw };
  // On AWS Lambda, and where a test calls the handler, there is no edge to tell.
  const device = context?.clientContext?.custom?.device ?? 'unknown';
  await context?.edge?.publish(`calibrations/${device}`, calibration);
  return calibration;
}
