import { AwsError, type SignedRequest } from '../../base/context';
import { headerValue } from '../../base/http';

/** What a request says about its own signature, from its header or its presigned query. */
export interface Authorization {
  form: 'header' | 'query';
  accessKeyId: string;
  /** `20260102`, from the scope. */
  scopeDate: string;
  region: string;
  service: string;
  /** Lower case, as the client signed them. */
  signedHeaders: string[];
  signature: string;
  /** `20260102T030405Z` */
  longDate: string;
  sessionToken?: string;
  /** Seconds; presigned form only. */
  expires?: number;
}

export type QueryParameters = Record<string, string | string[]>;

const ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_EXPIRES_SECONDS = 7 * 24 * 3600;

/** Reads the signature's parts. Undefined when the request has none; throws AwsError 400 when malformed. */
export function readAuthorization(request: SignedRequest, query: QueryParameters): Authorization | undefined {
  const header = headerValue(request, 'authorization');
  if (header !== undefined) return readHeader(request, header);
  return 'X-Amz-Signature' in query || 'X-Amz-Algorithm' in query ? readQuery(query) : undefined;
}

/** The query of an undecoded URL. Throws AwsError 400 on a malformed escape. */
export function parseQueryString(url: string): QueryParameters {
  // Without a prototype: a parameter may be called anything.
  const query = Object.create(null) as QueryParameters;
  const start = url.indexOf('?');
  if (start < 0) return query;
  for (const pair of url.slice(start + 1).split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
    const earlier = query[name];
    query[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  return query;
}

function readHeader(request: SignedRequest, header: string): Authorization {
  const [algorithm = '', ...rest] = header.trim().split(/\s+/);
  if (algorithm !== ALGORITHM) throw malformed(`Unsupported Authorization Type: ${algorithm}`);
  const fields = new Map(
    rest
      .join('')
      .split(',')
      .map((field): [string, string] => [
        field.slice(0, field.indexOf('=')),
        field.slice(field.indexOf('=') + 1),
      ]),
  );
  const sessionToken = headerValue(request, 'x-amz-security-token');
  return {
    form: 'header',
    ...readScope(required(fields.get('Credential'), 'Credential')),
    signedHeaders: readSignedHeaders(required(fields.get('SignedHeaders'), 'SignedHeaders')),
    signature: required(fields.get('Signature'), 'Signature'),
    longDate: readDate(headerValue(request, 'x-amz-date')),
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
}

function readQuery(query: QueryParameters): Authorization {
  const parameter = (name: string): string => {
    const value = query[name];
    return required(typeof value === 'string' ? value : undefined, name);
  };
  if (parameter('X-Amz-Algorithm') !== ALGORITHM) throw malformed('Unsupported X-Amz-Algorithm');
  const expires = Number(parameter('X-Amz-Expires'));
  if (!Number.isInteger(expires) || expires < 1 || expires > MAX_EXPIRES_SECONDS) {
    throw malformed('X-Amz-Expires must be a number of seconds between 1 and 604800', 'query');
  }
  return {
    form: 'query',
    ...readScope(parameter('X-Amz-Credential')),
    signedHeaders: readSignedHeaders(parameter('X-Amz-SignedHeaders')),
    signature: parameter('X-Amz-Signature'),
    longDate: readDate(parameter('X-Amz-Date')),
    expires,
    ...('X-Amz-Security-Token' in query ? { sessionToken: parameter('X-Amz-Security-Token') } : {}),
  };
}

/** `<accessKeyId>/<date>/<region>/<service>/aws4_request` */
function readScope(
  credential: string,
): Pick<Authorization, 'accessKeyId' | 'scopeDate' | 'region' | 'service'> {
  const [accessKeyId, scopeDate, region, service, terminator, ...more] = credential.split('/');
  const complete = accessKeyId && scopeDate && region && service && terminator === 'aws4_request';
  if (!complete || more.length > 0) throw malformed('The Credential is malformed.');
  return { accessKeyId, scopeDate, region, service };
}

function readSignedHeaders(list: string): string[] {
  return list.split(';').map((name) => name.trim().toLowerCase());
}

function readDate(date: string | undefined): string {
  if (date === undefined || !/^\d{8}T\d{6}Z$/.test(date) || Number.isNaN(instantOf(date))) {
    throw malformed('The request needs a valid x-amz-date.');
  }
  return date;
}

/** Milliseconds since the epoch of `20260102T030405Z`. */
export function instantOf(longDate: string): number {
  return Date.parse(longDate.replace(/^(.{4})(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw malformed(`The signature lacks ${name}.`);
  return value;
}

function malformed(message: string, form: Authorization['form'] = 'header'): AwsError {
  const code = form === 'query' ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed';
  return new AwsError(code, message, 400);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AwsError('InvalidURI', "Couldn't parse the specified URI.", 400);
  }
}
