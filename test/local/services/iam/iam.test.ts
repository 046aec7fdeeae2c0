import { createHash } from 'node:crypto';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { pino } from 'pino';
import type {
  AwsError,
  Credentials,
  Iam,
  PolicyStatement,
  SignedRequest,
} from '../../../../local/base/context';
import { createIam } from '../../../../local/services/iam';

const REGION = 'eu-central-1';
const ACCOUNT = '123456789012';
const NOW = Date.parse('2026-01-02T03:04:05Z');
const MINUTE = 60_000;
const TRUST: PolicyStatement = {
  Effect: 'Allow',
  Principal: { Service: ['lambda.amazonaws.com', 'credentials.iot.amazonaws.com'] },
  Action: 'sts:AssumeRole',
  Resource: '*',
};

let now: number;
let iam: Iam;

beforeEach(() => {
  now = NOW;
  iam = createIam({ account: ACCOUNT, region: REGION, log: pino({ level: 'silent' }), now: () => now });
});

interface Unsigned {
  method?: string;
  path?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string;
}

interface SigningOptions {
  credentials?: Credentials;
  service?: string;
  region?: string;
  at?: number;
}

function signerOf({ credentials = iam.operator, service = 'lambda', region = REGION }: SigningOptions) {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return new SignatureV4({
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    service,
    region,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
  });
}

function requestOf({ method = 'POST', path = '/a', query = {}, headers = {}, body = '' }: Unsigned) {
  const host = { host: '127.0.0.1:4000' };
  return {
    method,
    path,
    query,
    headers: { ...host, ...headers },
    body,
    protocol: 'http:',
    hostname: '127.0.0.1',
  };
}

/** A request as the server receives it. */
function received(
  signed: ReturnType<typeof requestOf> | Awaited<ReturnType<SignatureV4['sign']>>,
  body = '',
): SignedRequest {
  const { method, path, query, headers } = signed as ReturnType<typeof requestOf>;
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const url = pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
  return { method, url, headers: Object.fromEntries(lower), body: Buffer.from(body) };
}

async function sign(unsigned: Unsigned = {}, options: SigningOptions = {}): Promise<SignedRequest> {
  const signed = await signerOf(options).sign(requestOf(unsigned), {
    signingDate: new Date(options.at ?? now),
  });
  return received(signed, unsigned.body);
}

async function presign(options: SigningOptions & { expiresIn?: number } = {}): Promise<SignedRequest> {
  const service = options.service ?? 's3';
  const request = requestOf({
    method: 'GET',
    path: '/b/k',
    headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
  });
  const signed = await signerOf({ ...options, service }).presign(request, {
    signingDate: new Date(options.at ?? now),
    expiresIn: options.expiresIn ?? 60,
  });
  return received(signed);
}

async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return (error as AwsError).code;
  }
  return 'accepted';
}

const verify = (request: SignedRequest, service = 'lambda') => codeOf(iam.authenticate(request, service));

describe('signatures in the header', () => {
  it('tell who signed', async () => {
    const request = await sign({ body: '{}', query: { b: '2 &=', a: '1' }, path: '/x/arn%3Aaws%3Af' });
    expect(await iam.authenticate(request, 'lambda')).toEqual({
      arn: `arn:aws:iam::${ACCOUNT}:root`,
      account: ACCOUNT,
      accessKeyId: iam.operator.accessKeyId,
    });
  });

  it('cover method, path, query, signed headers and body', async () => {
    const request = await sign({ body: '{}', query: { a: '1' }, headers: { 'content-type': 'text/plain' } });
    const altered: Partial<SignedRequest>[] = [
      { method: 'PUT' },
      { url: '/b?a=1' },
      { url: '/a?a=2' },
      { url: '/a?a=1&b=1' },
      { headers: { ...request.headers, 'content-type': 'text/html' } },
      { headers: { ...request.headers, host: 'elsewhere' } },
      { headers: { ...request.headers, 'x-amz-invocation-type': 'Event' } },
      { body: Buffer.from('{ }') },
    ];
    expect(await verify(request)).toBe('accepted');
    for (const change of altered) {
      expect(await verify({ ...request, ...change })).toBe('InvalidSignatureException');
    }
  });

  it('do not cover what the client did not sign', async () => {
    const request = await sign();
    expect(await verify({ ...request, headers: { ...request.headers, 'user-agent': 'x' } })).toBe('accepted');
  });

  it('cover the body without a declared hash too', async () => {
    const { accessKeyId, secretAccessKey } = iam.operator;
    const signer = new SignatureV4({
      credentials: { accessKeyId, secretAccessKey },
      service: 'execute-api',
      region: REGION,
      sha256: Sha256,
      applyChecksum: false,
    });
    const signed = await signer.sign(requestOf({ body: 'body' }), { signingDate: new Date(now) });
    expect(await verify(received(signed, 'body'), 'execute-api')).toBe('accepted');
    expect(await verify(received(signed, 'other'), 'execute-api')).toBe('InvalidSignatureException');
  });

  it('encode the path once more, except for S3', async () => {
    const path = '/b/a%20b/%C3%BC';
    expect(await verify(await sign({ path }))).toBe('accepted');
    expect(await verify(await sign({ path }, { service: 's3' }), 's3')).toBe('accepted');
    const crossed = await signerOf({ service: 's3' }).sign(requestOf({ path }), {
      signingDate: new Date(now),
    });
    const mislabelled = received(crossed);
    const authorization = String(mislabelled.headers['authorization']).replace('/s3/', '/lambda/');
    expect(await verify({ ...mislabelled, headers: { ...mislabelled.headers, authorization } })).toBe(
      'InvalidSignatureException',
    );
  });

  it('hold for their service and region only', async () => {
    expect(await verify(await sign(), 'iot')).toBe('InvalidSignatureException');
    expect(await verify(await sign({}, { region: 'us-east-1' }))).toBe('InvalidSignatureException');
    expect(await verify(await sign({}, { service: 's3' }), 's3')).toBe('accepted');
  });

  it('may be off by 15 minutes', async () => {
    expect(await verify(await sign({}, { at: now - 15 * MINUTE }))).toBe('accepted');
    expect(await verify(await sign({}, { at: now + 15 * MINUTE }))).toBe('accepted');
    expect(await verify(await sign({}, { at: now - 15 * MINUTE - 1000 }))).toBe('InvalidSignatureException');
    expect(await verify(await sign({}, { at: now + 15 * MINUTE + 1000, service: 's3' }), 's3')).toBe(
      'RequestTimeTooSkewed',
    );
  });

  it('are refused when missing, malformed or of an unknown key', async () => {
    const bare = received(requestOf({}));
    expect(await verify(bare)).toBe('MissingAuthenticationTokenException');
    expect(await verify(bare, 's3')).toBe('AccessDenied');
    const request = await sign();
    for (const authorization of ['Basic eA==', 'AWS4-HMAC-SHA256 Credential=a/b', 'AWS4-HMAC-SHA256']) {
      const malformed = { ...request, headers: { ...request.headers, authorization } };
      expect(await verify(malformed)).toBe('AuthorizationHeaderMalformed');
    }
    const unknown = { accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'x' };
    expect(await verify(await sign({}, { credentials: unknown }))).toBe('UnrecognizedClientException');
    const wrong = { ...iam.operator, secretAccessKey: 'x' };
    expect(await verify(await sign({}, { credentials: wrong }))).toBe('InvalidSignatureException');
  });
});

describe('x-amz-content-sha256', () => {
  const s3 = (value: string, body = 'body') =>
    sign({ body, headers: { 'x-amz-content-sha256': value } }, { service: 's3' });

  it('must be that of the body, or say that it is not signed', async () => {
    const hash = createHash('sha256').update('body').digest('hex');
    expect(await verify(await s3(hash), 's3')).toBe('accepted');
    expect(await verify({ ...(await s3(hash)), body: Buffer.from('other') }, 's3')).toBe(
      'XAmzContentSHA256Mismatch',
    );
    expect(await verify(await s3('UNSIGNED-PAYLOAD'), 's3')).toBe('accepted');
    expect(await verify(await s3('STREAMING-UNSIGNED-PAYLOAD-TRAILER'), 's3')).toBe('accepted');
    expect(await verify(await s3('STREAMING-AWS4-HMAC-SHA256-PAYLOAD'), 's3')).toBe('NotImplemented');
  });
});

describe('presigned URLs', () => {
  it('hold until they expire', async () => {
    const request = await presign({ expiresIn: 60 });
    expect(await verify(request, 's3')).toBe('accepted');
    now += 60_000;
    expect(await verify(request, 's3')).toBe('accepted');
    now += 1;
    expect(await verify(request, 's3')).toBe('AccessDenied');
  });

  it('are refused when altered, or long before their time', async () => {
    const request = await presign();
    const altered = { ...request, url: request.url.replace('/b/k', '/b/other') };
    expect(await verify(altered, 's3')).toBe('SignatureDoesNotMatch');
    const longer = { ...request, url: request.url.replace('X-Amz-Expires=60', 'X-Amz-Expires=61') };
    expect(await verify(longer, 's3')).toBe('SignatureDoesNotMatch');
    const forever = { ...request, url: request.url.replace('X-Amz-Expires=60', 'X-Amz-Expires=9999999') };
    expect(await verify(forever, 's3')).toBe('AuthorizationQueryParametersError');
    expect(await verify(await presign({ at: now + 16 * MINUTE }), 's3')).toBe('AccessDenied');
  });

  it('carry the session token', async () => {
    const { arn } = iam.putRole({ name: 'r', assumeRolePolicy: { Statement: TRUST }, policies: [] });
    const credentials = iam.assumeRole(arn, 'session', 'lambda.amazonaws.com');
    const request = await presign({ credentials });
    expect(await verify(request, 's3')).toBe('accepted');
    const without = { ...request, url: request.url.replace(/&?X-Amz-Security-Token=[^&]*/, '') };
    expect(await verify(without, 's3')).toBe('InvalidToken');
  });
});

describe('roles', () => {
  it('are assumed on behalf of their own account alone where their trust says so', () => {
    const trust = (account: string) => ({
      ...TRUST,
      Condition: { StringEquals: { 'aws:SourceAccount': account } },
    });
    expect(assume(putRole([], trust(ACCOUNT)), 'lambda.amazonaws.com')).toHaveProperty('sessionToken');
    const foreign = putRole([], trust('999999999999'));
    expect(() => assume(foreign, 'lambda.amazonaws.com')).toThrow(
      /not authorized to perform: sts:AssumeRole/,
    );
  });

  const CERTIFICATE_ID = 'c'.repeat(64);
  const putRole = (policies: PolicyStatement[] = [], trust = TRUST) =>
    iam.putRole({ name: 'core', assumeRolePolicy: { Statement: trust }, policies: [{ Statement: policies }] })
      .arn;
  const assume = (arn: string, service = 'credentials.iot.amazonaws.com', seconds?: number) =>
    iam.assumeRole(arn, CERTIFICATE_ID, service, seconds);
  const principalOf = async (credentials: Credentials) =>
    iam.authenticate(await sign({}, { credentials }), 'lambda');

  it('give sessions their own identity', async () => {
    const arn = putRole();
    expect(await principalOf(assume(arn))).toMatchObject({
      arn: `arn:aws:sts::${ACCOUNT}:assumed-role/core/${CERTIFICATE_ID}`,
      role: { name: 'core', arn },
      sessionName: CERTIFICATE_ID,
    });
    expect(iam.roleByArn(arn)?.name).toBe('core');
    expect(iam.roleByArn(arn.replace(ACCOUNT, '1'))).toBeUndefined();
  });

  it('are assumed only by services that their trust policy names', async () => {
    const arn = putRole();
    expect(await codeOf(() => assume(arn, 's3.amazonaws.com'))).toBe('AccessDenied');
    expect(await codeOf(() => assume(`${arn}x`))).toBe('AccessDenied');
    putRole([], { ...TRUST, Action: 'sts:TagSession' });
    expect(await codeOf(() => assume(arn))).toBe('AccessDenied');
    putRole([], { ...TRUST, Condition: { StringEquals: { 'aws:SourceAccount': '1' } } });
    expect(await codeOf(() => assume(arn))).toBe('AccessDenied');
  });

  it('are trusted by policies without Resource, as templates write them', () => {
    const { Resource: _none, ...trust } = TRUST;
    const arn = putRole([], trust);
    expect(assume(arn).accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
  });

  it('have credentials that expire', async () => {
    const credentials = assume(putRole(), 'lambda.amazonaws.com', 900);
    expect(credentials.expiration).toBe(new Date(NOW + 900_000).toISOString());
    now += 899_999;
    expect(await codeOf(principalOf(credentials))).toBe('accepted');
    now += 1;
    expect(await codeOf(principalOf(credentials))).toBe('ExpiredTokenException');
  });

  it('have credentials that need their token', async () => {
    const { sessionToken: _none, ...without } = assume(putRole());
    expect(await codeOf(principalOf(without))).toBe('UnrecognizedClientException');
    const foreign = { ...without, sessionToken: 'another' };
    expect(await codeOf(principalOf(foreign))).toBe('UnrecognizedClientException');
  });

  it('may do what their policies say at the time of the request', async () => {
    const read = { Effect: 'Allow' as const, Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*' };
    const principal = await principalOf(assume(putRole([read])));
    const get = (resource = 'arn:aws:s3:::b/k') =>
      codeOf(() => iam.authorize(principal, 's3:GetObject', resource));
    expect(await get()).toBe('accepted');
    expect(await get('arn:aws:s3:::c/k')).toBe('AccessDeniedException');
    putRole([read, { ...read, Effect: 'Deny' }]);
    expect(await get()).toBe('AccessDeniedException');
    putRole([read]);
    expect(await get()).toBe('accepted');
    iam.deleteRole('core');
    expect(await get()).toBe('AccessDeniedException');
  });

  it('are judged with the conditions of the request and their own', async () => {
    const Condition = { StringEquals: { 's3:prefix': 'a/', 'aws:PrincipalAccount': ACCOUNT } };
    const list = { Effect: 'Allow' as const, Action: 's3:ListBucket', Resource: '*', Condition };
    const principal = await principalOf(assume(putRole([list])));
    const ask = (prefix?: string) =>
      codeOf(() => iam.authorize(principal, 's3:ListBucket', 'arn:x', undefined, { 's3:prefix': prefix }));
    expect(await ask('a/')).toBe('accepted');
    expect(await ask('b/')).toBe('AccessDeniedException');
    expect(await ask()).toBe('AccessDeniedException');
  });

  it('are subject to resource policies, which may name them', async () => {
    const arn = putRole();
    const principal = await principalOf(assume(arn));
    const ask = (Principal: unknown, Effect: 'Allow' | 'Deny' = 'Allow') => {
      const policy = { Statement: { Effect, Principal, Action: 's3:*', Resource: '*' } };
      return codeOf(() => iam.authorize(principal, 's3:GetObject', 'arn:x', policy));
    };
    expect(await ask('*')).toBe('accepted');
    expect(await ask({ AWS: [arn] })).toBe('accepted');
    expect(await ask({ AWS: principal.arn })).toBe('accepted');
    expect(await ask({ AWS: `${arn}x` })).toBe('AccessDeniedException');
    expect(await ask({ Service: 's3.amazonaws.com' })).toBe('AccessDeniedException');
    // The account as principal leaves the decision to identity policies.
    expect(await ask({ AWS: `arn:aws:iam::${ACCOUNT}:root` })).toBe('AccessDeniedException');
    putRole([{ Effect: 'Allow', Action: 's3:*', Resource: '*' }]);
    expect(await ask({ AWS: ACCOUNT }, 'Deny')).toBe('AccessDeniedException');
    expect(await ask({ AWS: '111111111111' }, 'Deny')).toBe('accepted');
  });

  it('do not bind the operator', async () => {
    const principal = await iam.authenticate(await sign(), 'lambda');
    expect(await codeOf(() => iam.authorize(principal, 's3:DeleteBucket', 'arn:x'))).toBe('accepted');
  });
});
