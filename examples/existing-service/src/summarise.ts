import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { readingsOf, type Reading } from './readings';

export interface Summary {
  count: number;
  lowest: number;
  highest: number;
  mean: number;
}

export function summary(readings: readonly Reading[]): Summary {
  const values = readings.map(({ value }) => value);
  const sum = values.reduce((total, value) => total + value, 0);
  return {
    count: values.length,
    lowest: Math.min(...values),
    highest: Math.max(...values),
    mean: sum / values.length,
  };
}

/** A device's invocation brings the readings themselves, a route brings them as the body of a request. */
export async function handler(event: APIGatewayProxyEventV2 | { readings: Reading[] }) {
  if (!('requestContext' in event)) return summary(readingsOf(event));
  return summary(readingsOf(JSON.parse(event.body ?? 'null')));
}
