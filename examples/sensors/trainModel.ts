import { samplesOf, type Window } from './window';

export interface Model {
  slope: number;
  intercept: number;
  residual: number;
  samples: number;
}

/** Least-squares line through the samples: what the sensor is expected to read next. */
export async function handler(event: Window): Promise<Model> {
  const samples = samplesOf(event);
  const n = samples.length;
  const meanX = (n - 1) / 2;
  const meanY = samples.reduce((sum, y) => sum + y, 0) / n;
  let covariance = 0;
  let variance = 0;
  samples.forEach((y, x) => {
    covariance += (x - meanX) * (y - meanY);
    variance += (x - meanX) ** 2;
  });
  const slope = variance === 0 ? 0 : covariance / variance;
  const intercept = meanY - slope * meanX;
  const squares = samples.reduce((sum, y, x) => sum + (y - (intercept + slope * x)) ** 2, 0);
  return { slope, intercept, residual: Math.sqrt(squares / n), samples: n };
}
