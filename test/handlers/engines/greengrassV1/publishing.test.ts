import { CreateFunctionCommand, waitUntilFunctionActiveV2, type LambdaClient } from '@aws-sdk/client-lambda';
import { jitteredBackoff } from '../../../../handlers/stores/backoff';
import { LambdaPublisher } from '../../../../handlers/createFunction/cloudPublisher';
import { createFunction } from '../../../../handlers/createFunction/createFunction';
import { publishedSystemFunctions } from '../../../../handlers/engines/greengrassV1/systemFunctions';
import { createLambda, type Lambda } from '../../../../local/services/lambda';
import {
  createTestCloud,
  lambdaClient,
  memoryHost,
  type TestCloud,
} from '../../../local/services/lambda/support';
import { refused } from '../../expectCode';
import { packageOf } from '../../fixtures';
import { fixedClock, MemoryLog } from '../../memory/messages';
import { MemoryRegistry } from '../../memory/registry';
import { MemoryUploads } from '../../memory/uploads';

/** What engine greengrass needs of Lambda, over its wire protocol: versions, of everything. */
let cloud: TestCloud;
let lambda: Lambda;
let client: LambdaClient;
let publisher: LambdaPublisher;
beforeAll(async () => {
  cloud = await createTestCloud();
  lambda = await createLambda(cloud.context, {
    functionHost: memoryHost({}),
    environment: () => ({}),
    readObject: async () => Promise.reject(new Error('NoSuchKey')),
    destinations: { putObject: async () => undefined },
  });
  client = lambdaClient(lambda, cloud.context.iam.operator);
  const settings = {
    prefix: 'edge-',
    roleArn: cloud.functionRole('functions'),
    logGroup: '/aws/lambda/edge',
  };
  publisher = new LambdaPublisher(client, settings, jitteredBackoff);
});
afterAll(async () => {
  client.destroy();
  await lambda.close();
  await cloud.close();
});

/** As CloudFormation does, which waits until it is active. */
async function make(FunctionName: string): Promise<void> {
  await client.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Role: cloud.functionRole(`role-of-${FunctionName}`),
      Code: { ZipFile: await packageOf({}) },
    }),
  );
  await waitUntilFunctionActiveV2({ client, maxWaitTime: 20, minDelay: 0.05, maxDelay: 1 }, { FunctionName });
}

async function register(config: object, publishesAll: boolean) {
  const uploads = new MemoryUploads();
  const registry = new MemoryRegistry();
  const ports = { uploads, registry, clock: fixedClock, backoff: async () => undefined };
  const record = uploads.put('uploads/detect.zip', await packageOf(config), 1000);
  await createFunction(
    { Records: [record] },
    { ...ports, cloud: publisher, publishesAll, log: new MemoryLog() },
  );
  expect(uploads.resultOf('uploads/detect.zip')).toMatchObject({ status: 'registered' });
  return registry.latest('detect');
}

test('a function of the edge alone gets a version on Lambda, with that engine only', async () => {
  expect(await register({ locations: ['edge'] }, false)).not.toHaveProperty('cloud');
  expect(await register({ locations: ['edge'] }, true)).toMatchObject({
    locations: ['edge'],
    cloud: { functionArn: expect.stringMatching(/:function:edge-detect$/) as string, qualifier: '1' },
  });
});

test('of a function of the stack a version is made, where its name has none', async () => {
  await make('ordinary');
  const config = { locations: ['edge', 'cloud'], cloudFunction: 'ordinary' };
  expect((await register(config, false))?.cloud?.qualifier).toBe('$LATEST');
  expect((await register(config, true))?.cloud?.qualifier).toBe('1');
  // The same code has the same version.
  expect((await register(config, true))?.cloud?.qualifier).toBe('1');
  expect((await publisher.existing('ordinary:1', { versioned: true })).qualifier).toBe('1');
});

test('the system functions are versions, the same ones as long as their code is the same', async () => {
  const names = { edgeCoreMonitor: 'a', handleDeviceRequest: 'b', edgeRemoteExecution: 'c' };
  const published = publishedSystemFunctions(client, names);
  await make('a');
  await make('b');
  const error = await refused('DEPLOYMENT_FAILED', published());
  expect(error.message).toBe('no Lambda function c');
  await make('c');
  const arns = await published();
  expect(arns.edgeCoreMonitor).toMatch(/^arn:aws:lambda:[^:]+:\d{12}:function:a:1$/);
  expect(await published()).toEqual(arns);
});
