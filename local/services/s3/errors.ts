import type { Logger } from 'pino';
import { AwsError } from '../../base/context';
import type { HttpResponse } from '../../base/http';
import { xmlDocument } from './xml';

/** Status and message per code. Source: Amazon S3 API Reference, "Error responses". */
const TABLE = {
  BadDigest: [400, 'The digest you specified did not match what we received.'],
  BucketAlreadyOwnedByYou: [
    409,
    'Your previous request to create the named bucket succeeded and you already own it.',
  ],
  BucketNotEmpty: [409, 'The bucket you tried to delete is not empty.'],
  IllegalLocationConstraintException: [
    400,
    'The location constraint is incompatible for the region specific endpoint this request was sent to.',
  ],
  IncompleteBody: [400, 'The request body does not have the form or the number of bytes that it declares.'],
  InvalidArgument: [400, 'Invalid Argument'],
  InvalidBucketName: [400, 'The specified bucket is not valid.'],
  InvalidDigest: [400, 'The Content-MD5 you specified is not valid.'],
  InvalidRange: [416, 'The requested range is not satisfiable'],
  InvalidRequest: [400, 'The request is not valid.'],
  InvalidURI: [400, "Couldn't parse the specified URI."],
  KeyTooLongError: [400, 'Your key is too long'],
  MalformedXML: [
    400,
    'The XML you provided was not well-formed or did not validate against our published schema',
  ],
  MethodNotAllowed: [405, 'The specified method is not allowed against this resource.'],
  NoSuchBucket: [404, 'The specified bucket does not exist'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NotImplemented: [501, 'A header or query you provided implies functionality that is not implemented.'],
  PreconditionFailed: [412, 'At least one of the pre-conditions you specified did not hold'],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type S3ErrorCode = keyof typeof TABLE;

/** An error of S3; `details` become elements of its XML (`Key`, `BucketName`, `Condition`). */
export class S3Error extends AwsError {
  constructor(
    code: S3ErrorCode,
    message?: string,
    readonly details: Record<string, string> = {},
  ) {
    super(code, message ?? TABLE[code][1], TABLE[code][0]);
  }
}

export function notImplemented(missing: string): S3Error {
  return new S3Error('NotImplemented', `${TABLE.NotImplemented[1]} Missing here: ${missing}.`);
}

/** Any thrown value as S3 answers it. What is not an AwsError is a fault of ours: logged, 500. */
export function s3ErrorResponse(
  error: unknown,
  request: { method: string; resource: string; requestId: string },
  log: Logger,
): HttpResponse {
  const known = error instanceof AwsError ? error : internal(error, log);
  const headers = responseHeaders(request.requestId);
  // S3 has no body for HEAD; the status says it all.
  if (request.method === 'HEAD') return { status: known.status, headers };
  const body = xmlDocument('Error', {
    Code: known.code,
    Message: known.message,
    ...(known instanceof S3Error ? known.details : {}),
    Resource: request.resource,
    RequestId: request.requestId,
    HostId: headers['x-amz-id-2'],
  });
  return { status: known.status, headers: { ...headers, 'content-type': 'application/xml' }, body };
}

export function responseHeaders(requestId: string): Record<string, string> {
  return { 'x-amz-request-id': requestId, 'x-amz-id-2': `local/${requestId}`, server: 'LocalS3' };
}

function internal(error: unknown, log: Logger): AwsError {
  log.error({ err: error }, 's3 failed');
  return new AwsError('InternalError', 'We encountered an internal error. Please try again.', 500);
}
