import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { allow, refusal, REGION, startS3, type Harness } from './harness';

const Bucket = 'guarded';
const ARN = `arn:aws:s3:::${Bucket}`;
const DENIED = { name: 'AccessDenied', status: 403 };
let harness: Harness;

beforeAll(async () => {
  harness = await startS3();
  await harness.s3.createBucket(Bucket);
  await harness.s3.putObject(Bucket, 'open/a', 'content');
  await harness.s3.putObject(Bucket, 'closed/a', 'secret');
});
afterAll(() => harness.close());
afterEach(() => harness.s3.setBucketPolicy(Bucket, undefined));

const get = (client: S3Client, Key: string) => client.send(new GetObjectCommand({ Bucket, Key }));

describe('signatures', () => {
  it('refuses a wrong secret, an unknown key and a wrong token', async () => {
    const { operator } = harness.iam;
    const wrong = harness.client({ ...operator, secretAccessKey: 'wrong' });
    expect(await refusal(get(wrong, 'open/a'))).toEqual({ name: 'SignatureDoesNotMatch', status: 403 });
    const unknown = harness.client({ ...operator, accessKeyId: 'AKIAUNKNOWN' });
    expect(await refusal(get(unknown, 'open/a'))).toEqual({ name: 'InvalidAccessKeyId', status: 403 });
    const token = harness.client({ ...operator, sessionToken: 'made up' });
    expect(await refusal(get(token, 'open/a'))).toEqual({ name: 'InvalidToken', status: 400 });
  });

  it('refuses a request without one', async () => {
    const response = await fetch(`${harness.s3.url}/${Bucket}/open/a`);
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('<Code>AccessDenied</Code>');
  });

  it('refuses a request that was altered after it was signed', async () => {
    const client = harness.client(harness.iam.operator);
    client.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as { path: string };
        request.path = `/${Bucket}/closed/a`;
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low', name: 'alter' },
    );
    expect(await refusal(get(client, 'open/a'))).toEqual({ name: 'SignatureDoesNotMatch', status: 403 });
  });
});

describe('presigned URLs', () => {
  it('give the object to whoever has them, and only that one', async () => {
    const command = new GetObjectCommand({ Bucket, Key: 'open/a' });
    const url = await getSignedUrl(harness.operator, command, { expiresIn: 60 });
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('content');
    expect((await fetch(url.replace('open/a', 'closed/a'))).status).toBe(403);
    expect((await fetch(url.replace('X-Amz-Expires=60', 'X-Amz-Expires=600'))).status).toBe(403);
    expect((await fetch(url, { headers: { 'x-amz-meta-added': '1' } })).status).toBe(403);
  });

  it('expire', async () => {
    const signingDate = new Date(Date.now() - 61_000);
    const command = new GetObjectCommand({ Bucket, Key: 'open/a' });
    const url = await getSignedUrl(harness.operator, command, { expiresIn: 60, signingDate });
    const response = await fetch(url);
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('Request has expired');
  });

  it('are worth what their signer may do', async () => {
    const role = harness.clientWith(allow('s3:GetObject', `${ARN}/open/*`));
    const url = (Key: string) => getSignedUrl(role, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 });
    expect((await fetch(await url('open/a'))).status).toBe(200);
    expect((await fetch(await url('closed/a'))).status).toBe(403);
  });

  it('take a PUT; the default one has the checksum of an empty body in it', async () => {
    const command = new PutObjectCommand({ Bucket, Key: 'open/put', Metadata: { from: 'url' } });
    const careful = await getSignedUrl(harness.operator, command, { expiresIn: 60 });
    const refused = await fetch(careful, { method: 'PUT', body: 'uploaded' });
    expect(await refused.text()).toContain('<Code>BadDigest</Code>');
    const { accessKeyId, secretAccessKey } = harness.iam.operator;
    const plain = new S3Client({
      endpoint: harness.s3.url,
      region: REGION,
      credentials: { accessKeyId, secretAccessKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
    const url = await getSignedUrl(plain, command, { expiresIn: 60 });
    expect((await fetch(url, { method: 'PUT', body: 'uploaded' })).status).toBe(200);
    plain.destroy();
    expect((await harness.s3.getObject(Bucket, 'open/put')).toString()).toBe('uploaded');
    const head = await harness.operator.send(new HeadObjectCommand({ Bucket, Key: 'open/put' }));
    expect(head.Metadata).toEqual({ from: 'url' });
  });
});

describe('policies', () => {
  it('allow what they name and nothing else', async () => {
    const role = harness.clientWith(allow('s3:GetObject', `${ARN}/open/*`));
    expect(await (await get(role, 'open/a')).Body?.transformToString()).toBe('content');
    expect(await refusal(get(role, 'closed/a'))).toEqual(DENIED);
    const put = new PutObjectCommand({ Bucket, Key: 'open/a', Body: 'x' });
    expect(await refusal(role.send(put))).toEqual(DENIED);
    expect(await refusal(role.send(new ListObjectsV2Command({ Bucket })))).toEqual(DENIED);
  });

  it('hide that a key is missing from who may not list the bucket', async () => {
    const reader = allow('s3:GetObject', `${ARN}/*`);
    const blind = harness.clientWith(reader);
    const lister = harness.clientWith(reader, allow('s3:ListBucket', ARN));
    expect(await refusal(get(blind, 'missing'))).toEqual(DENIED);
    expect(await refusal(get(lister, 'missing'))).toEqual({ name: 'NoSuchKey', status: 404 });
    const head = new HeadObjectCommand({ Bucket, Key: 'missing' });
    expect(await refusal(blind.send(head))).toMatchObject({ status: 403 });
    expect(await refusal(lister.send(head))).toEqual({ name: 'NotFound', status: 404 });
  });

  it('limit a listing by its prefix', async () => {
    const role = harness.clientWith(allow('s3:ListBucket', ARN, { StringLike: { 's3:prefix': ['open/*'] } }));
    const list = (Prefix?: string) => role.send(new ListObjectsV2Command({ Bucket, Prefix }));
    expect((await list('open/')).KeyCount).toBeGreaterThan(0);
    expect(await refusal(list('closed/'))).toEqual(DENIED);
    expect(await refusal(list())).toEqual(DENIED);
  });

  it('ask for s3:GetObject when a write has If-Match', async () => {
    const writer = harness.clientWith(allow('s3:PutObject', `${ARN}/*`));
    const put = (condition: object) =>
      writer.send(new PutObjectCommand({ Bucket, Key: 'written', Body: 'x', ...condition }));
    const { ETag } = await put({ IfNoneMatch: '*' });
    expect(await refusal(put({ IfMatch: ETag }))).toEqual(DENIED);
  });

  it('deny single keys of DeleteObjects', async () => {
    await harness.s3.putObject(Bucket, 'mine/1', 'x');
    const role = harness.clientWith(allow('s3:DeleteObject', `${ARN}/mine/*`));
    const Delete = { Objects: [{ Key: 'mine/1' }, { Key: 'closed/a' }] };
    const { Deleted, Errors } = await role.send(new DeleteObjectsCommand({ Bucket, Delete }));
    expect(Deleted).toEqual([{ Key: 'mine/1' }]);
    expect(Errors).toMatchObject([{ Key: 'closed/a', Code: 'AccessDenied' }]);
    expect((await harness.s3.getObject(Bucket, 'closed/a')).toString()).toBe('secret');
  });

  it('of the bucket allow, and deny what the role would allow', async () => {
    const role = harness.clientWith(allow('s3:GetObject', `${ARN}/open/*`));
    const Principal = { AWS: '*' };
    harness.s3.setBucketPolicy(Bucket, {
      Statement: [
        { Effect: 'Allow', Principal, Action: 's3:GetObject', Resource: `${ARN}/closed/*` },
        { Effect: 'Deny', Principal, Action: 's3:*', Resource: `${ARN}/open/*` },
      ],
    });
    expect(await (await get(role, 'closed/a')).Body?.transformToString()).toBe('secret');
    expect(await refusal(get(role, 'open/a'))).toEqual(DENIED);
  });
});
