import { AwsError } from '../../base/context';

type Failure =
  | 'missing'
  | 'scope'
  | 'skewed'
  | 'notYet'
  | 'expired'
  | 'unsignedHeaders'
  | 'unknownKey'
  | 'token'
  | 'tokenExpired'
  | 'mismatch'
  | 'hashMissing'
  | 'hash';

type Row = readonly [code: string, status: number, message: string];

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your key and signing method.';

/** Source: Amazon S3 API Reference, "Error responses". */
const S3: Record<Failure, Row> = {
  missing: ['AccessDenied', 403, 'Access Denied'],
  scope: ['AuthorizationHeaderMalformed', 400, 'The authorization header is malformed'],
  skewed: [
    'RequestTimeTooSkewed',
    403,
    'The difference between the request time and the current time is too large.',
  ],
  notYet: ['AccessDenied', 403, 'Request is not valid yet'],
  expired: ['AccessDenied', 403, 'Request has expired'],
  unsignedHeaders: ['AccessDenied', 403, 'There were headers present in the request which were not signed'],
  unknownKey: [
    'InvalidAccessKeyId',
    403,
    'The AWS Access Key Id you provided does not exist in our records.',
  ],
  token: ['InvalidToken', 400, 'The provided token is malformed or otherwise invalid.'],
  tokenExpired: ['ExpiredToken', 400, 'The provided token has expired.'],
  mismatch: ['SignatureDoesNotMatch', 403, MISMATCH],
  hashMissing: ['InvalidRequest', 400, 'Missing required header for this request: x-amz-content-sha256'],
  hash: [
    'XAmzContentSHA256Mismatch',
    400,
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  ],
};

/** Source: AWS Lambda API Reference, "Common Errors"; the other JSON services answer alike. */
const JSON_SERVICES: Record<Failure, Row> = {
  missing: ['MissingAuthenticationTokenException', 403, 'Missing Authentication Token'],
  scope: ['InvalidSignatureException', 403, 'The credential scope is wrong'],
  skewed: ['InvalidSignatureException', 403, 'Signature expired'],
  notYet: ['InvalidSignatureException', 403, 'Signature not yet current'],
  expired: ['InvalidSignatureException', 403, 'Signature expired'],
  unsignedHeaders: ['InvalidSignatureException', 403, 'Headers must be part of the signed headers'],
  unknownKey: ['UnrecognizedClientException', 403, 'The security token included in the request is invalid.'],
  token: ['UnrecognizedClientException', 403, 'The security token included in the request is invalid.'],
  tokenExpired: ['ExpiredTokenException', 403, 'The security token included in the request is expired'],
  mismatch: ['InvalidSignatureException', 403, MISMATCH],
  hashMissing: ['InvalidSignatureException', 403, MISMATCH],
  hash: ['InvalidSignatureException', 403, MISMATCH],
};

export function authenticationError(failure: Failure, service: string, detail?: string): AwsError {
  const [code, status, message] = (service === 's3' ? S3 : JSON_SERVICES)[failure];
  return new AwsError(code, detail === undefined ? message : `${message}: ${detail}`, status);
}
