import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ZipFile } from 'yazl';
import { buffer } from 'node:stream/consumers';
import { startLocalCloud, type LocalCloud } from '../../../../local';

/** The framework's custom resource for events of a bucket that the stack does not make. */
const STACK = 'existing-dev';
const BUCKET = 'company-bucket';

let folder: string;
let cloud: LocalCloud;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'edge-existing-'));
  await mkdir(path.join(folder, 'artifacts'));
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from('exports.handler = async () => undefined;'), 'index.js');
  zip.end();
  await writeFile(path.join(folder, 'artifacts', 'code.zip'), await buffer(zip.outputStream));
});
beforeEach(async () => {
  cloud = await startLocalCloud({
    stateDir: path.join(folder, 'cloud'),
    onInvocation: ({ functionName, ok }) => invoked.push(`${functionName} ${ok}`),
  });
});
afterEach(async () => {
  await cloud.close();
  invoked.length = 0;
  await rm(path.join(folder, 'cloud'), { recursive: true, force: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const invoked: string[] = [];

const lambda = (FunctionName: string) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    FunctionName,
    Handler: 'index.handler',
    Runtime: 'nodejs22.x',
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    Code: { S3Bucket: { Ref: 'Code' }, S3Key: 'code.zip' },
  },
});
const notified = (FunctionName: string, prefix: string, bucket = BUCKET) => ({
  Type: 'Custom::S3',
  Version: 1,
  DependsOn: ['First', 'Second'],
  Properties: {
    ServiceToken: { 'Fn::GetAtt': ['First', 'Arn'] },
    FunctionName,
    BucketName: bucket,
    BucketConfigs: [{ Event: 's3:ObjectCreated:*', Rules: [{ Prefix: prefix }, { Suffix: '.zip' }] }],
  },
});
const deploy = (resources: Record<string, unknown>) =>
  cloud.deploy({
    stackName: STACK,
    artifacts: path.join(folder, 'artifacts'),
    template: {
      Resources: {
        Code: { Type: 'AWS::S3::Bucket' },
        Role: {
          Type: 'AWS::IAM::Role',
          Properties: {
            AssumeRolePolicyDocument: {
              Statement: [
                { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
              ],
            },
          },
        },
        First: lambda('first'),
        Second: lambda('second'),
        ...resources,
      },
    },
  });

/** Puts objects and resolves with who was invoked, once nothing is under way. */
async function putAll(...keys: string[]): Promise<string[]> {
  invoked.length = 0;
  for (const key of keys) await cloud.services.s3.putObject(BUCKET, key, 'x');
  await cloud.idle();
  return [...invoked].sort();
}

it('makes the bucket, lets S3 in, and adds to the notifications that others have set', async () => {
  await deploy({ One: notified('first', 'uploads/'), Two: notified('second', 'requests/') });
  expect(await putAll('uploads/a.zip', 'requests/b.zip', 'uploads/a.txt', 'other/a.zip')).toEqual([
    'first true',
    'second true',
  ]);
});

it('uses a bucket with what is in it, changes with the template, and leaves the bucket', async () => {
  await cloud.services.s3.createBucket(BUCKET);
  await cloud.services.s3.putObject(BUCKET, 'kept', 'before');
  await deploy({ One: notified('first', 'uploads/'), Two: notified('second', 'requests/') });
  await deploy({ One: notified('second', 'uploads/'), Two: notified('second', 'later/') });
  expect(await putAll('uploads/a.zip', 'requests/b.zip', 'later/c.zip')).toEqual([
    'second true',
    'second true',
  ]);
  await deploy({});
  expect(await putAll('uploads/a.zip', 'later/c.zip')).toEqual([]);
  expect((await cloud.services.s3.getObject(BUCKET, 'kept')).toString()).toBe('before');
});

it('refuses what it does not understand', async () => {
  const wrong = notified('first', 'uploads/');
  Object.assign(wrong.Properties, { FunctionQualifier: 'live' });
  await expect(deploy({ One: wrong })).rejects.toThrow(/FunctionQualifier/);
  expect(cloud.stack(STACK)).toBeUndefined();
});
