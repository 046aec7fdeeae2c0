import { execFile } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListBucketsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { withTemporaryFolder } from '../../local/dev/folders';
import { prepareExample } from '../examples/support';
import { root } from '../support/packaged';
import { startMoto, type MotoServer } from './motoServer';

const REGION = 'eu-central-1';
const FUNCTIONS_BUCKET = /^cold-store-dev-edge-functions-/;

/** `sls deploy` of an example by its command line, against AWS's API as moto has it. */
describe('deployment to moto', () => {
  let moto: MotoServer;
  let serviceDir: string;
  let s3: S3Client;
  let lambda: LambdaClient;

  beforeAll(async () => {
    moto = await startMoto();
    const client = {
      endpoint: moto.url,
      region: REGION,
      credentials: { accessKeyId: 'moto', secretAccessKey: 'moto' },
      forcePathStyle: true,
    };
    s3 = new S3Client(client);
    lambda = new LambdaClient(client);
    serviceDir = await prepareExample('existing-service');
    await copyFile(
      path.join(__dirname, 'withoutUnsupported.cjs'),
      path.join(serviceDir, 'withoutUnsupported.cjs'),
    );
    await edit((yaml) =>
      yaml
        .replace(/^plugins:\n/m, 'plugins:\n  - ./withoutUnsupported.cjs\n')
        .replace(/^ {2}name: aws\n/m, '  name: aws\n  deploymentMethod: direct\n'),
    );
  });

  afterAll(async () => {
    s3.destroy();
    lambda.destroy();
    await moto.close();
  });

  async function edit(change: (yaml: string) => string): Promise<void> {
    const file = path.join(serviceDir, 'serverless.yml');
    const before = await readFile(file, 'utf8');
    const after = change(before);
    if (after === before) throw new Error('the edit of serverless.yml changed nothing');
    await writeFile(file, after);
  }

  async function sls(...args: string[]): Promise<string> {
    const cli = path.join(root, 'node_modules', 'serverless', 'bin', 'serverless.js');
    const env = {
      ...process.env,
      AWS_ENDPOINT_URL: moto.url,
      AWS_ACCESS_KEY_ID: 'moto',
      AWS_SECRET_ACCESS_KEY: 'moto',
      AWS_PROFILE: '',
      SLS_TELEMETRY_DISABLED: '1',
      SLS_NOTIFICATIONS_MODE: 'off',
    };
    const { stdout, stderr } = await withTemporaryFolder((own) =>
      promisify(execFile)(process.execPath, [cli, ...args], { cwd: serviceDir, env: { ...env, ...own } }),
    );
    return `${stdout}${stderr}`;
  }

  async function buckets(): Promise<string[]> {
    const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
    return Buckets.map(({ Name = '' }) => Name);
  }

  async function functionsBucket(): Promise<string> {
    return (await buckets()).find((name) => FUNCTIONS_BUCKET.test(name)) ?? 'no functions bucket';
  }

  async function memoryOfFunctions(): Promise<Record<string, number | undefined>> {
    const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
    return Object.fromEntries(Functions.map(({ FunctionName, MemorySize }) => [FunctionName, MemorySize]));
  }

  async function uploaded(name: string): Promise<Buffer> {
    const Bucket = await functionsBucket();
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: `uploads/${name}.zip` }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  const packaged = (name: string): Promise<Buffer> =>
    readFile(path.join(serviceDir, '.serverless', 'edge', `${name}.package`));

  test('creates the stack and uploads the function packages', async () => {
    expect(await sls('deploy', '--edge-upload-only')).toContain('2 function packages uploaded');
    expect(await memoryOfFunctions()).toMatchObject({
      'cold-store-dev-storeReadings': 256,
      'cold-store-dev-createFunction': 1024,
    });
    expect(await memoryOfFunctions()).not.toHaveProperty('cold-store-dev-detectDoorOpen');
    for (const name of ['summarise', 'detectDoorOpen']) {
      expect((await uploaded(name)).equals(await packaged(name))).toBe(true);
    }
  });

  test('is skipped by the framework where nothing has changed', async () => {
    expect(await sls('deploy', '--edge-upload-only')).toContain('No changes to deploy. Deployment skipped.');
  }, 180_000);

  test('shows the deployed service', async () => {
    expect(await sls('info', '--verbose')).toMatch(/EdgeFunctionsBucket: cold-store-dev-edge-functions-/);
  });

  test('updates the stack and uploads what changed', async () => {
    const before = await uploaded('detectDoorOpen');
    await edit((yaml) =>
      yaml.replace('memorySize: 256', 'memorySize: 320').replace('timeout: 2', 'timeout: 3'),
    );
    await sls('deploy', '--edge-upload-only');
    expect(await memoryOfFunctions()).toMatchObject({ 'cold-store-dev-storeReadings': 320 });
    const after = await uploaded('detectDoorOpen');
    expect(after.equals(before)).toBe(false);
    expect(after.equals(await packaged('detectDoorOpen'))).toBe(true);
  });

  test('deploys a package made before, without packaging again', async () => {
    await sls('package', '--package', 'made-before');
    await edit((yaml) => yaml.replace('memorySize: 320', 'memorySize: 384'));
    await sls('deploy', '--package', 'made-before', '--edge-upload-only', '--force');
    expect(await memoryOfFunctions()).toMatchObject({ 'cold-store-dev-storeReadings': 320 });
  });

  test('removes the stack with everything in its buckets', async () => {
    const { KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket: await functionsBucket() }));
    expect(KeyCount).toBeGreaterThan(0);
    await sls('remove');
    expect(await buckets()).toEqual([]);
    expect(await memoryOfFunctions()).toEqual({});
  });
});
