import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { AwsError } from '../context';
import type { HttpResponse } from '../http';

/**
 * An error as the REST-JSON services (Lambda, IoT, Greengrass) answer it: the code in the header
 * `x-amzn-errortype` and in `__type`. What is not an AwsError is a fault of ours: 500, and logged.
 */
export function jsonErrorResponse(error: unknown, log: Logger): HttpResponse {
  const known = error instanceof AwsError ? error : internal(error, log);
  return {
    status: known.status,
    headers: {
      'content-type': 'application/json',
      'x-amzn-errortype': known.code,
      'x-amzn-requestid': randomUUID(),
    },
    body: JSON.stringify({ ...known.members, message: known.message, __type: known.code }),
  };
}

/** A JSON answer of a REST-JSON service. */
export function jsonResponse(
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-amzn-requestid': randomUUID(), ...headers },
    body: JSON.stringify(body),
  };
}

function internal(error: unknown, log: Logger): AwsError {
  log.error({ err: error }, 'service failed');
  return new AwsError('ServiceException', 'The local cloud failed; its log says why.', 500);
}
