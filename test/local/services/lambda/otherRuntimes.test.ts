import { InvokeCommand } from '@aws-sdk/client-lambda';
import { createLambda } from '../../../../local/services/lambda';
import type { Lambda } from '../../../../local/services/lambda/types';
import { createTestCloud, lambdaClient, memoryHost, zipOf, type TestCloud } from './support';

let cloud: TestCloud;
let lambda: Lambda;
let Role: string;

const start = (): Promise<Lambda> =>
  createLambda(cloud.context, {
    functionHost: memoryHost({}),
    environment: () => ({}),
    readObject: () => Promise.reject(new Error('no objects here')),
    destinations: { putObject: async () => undefined },
    settleMs: 0,
  });

beforeEach(async () => {
  cloud = await createTestCloud();
  lambda = await start();
  Role = cloud.functionRole('worker');
});

afterEach(async () => {
  await lambda.close();
  await cloud.close();
});

async function invoke(FunctionName: string): Promise<unknown> {
  const client = lambdaClient(lambda, cloud.context.iam.operator);
  try {
    return await client.send(new InvokeCommand({ FunctionName }));
  } finally {
    client.destroy();
  }
}

it('a stack has functions that this machine cannot run: they are there, and a call says what it wants', async () => {
  const ZipFile = await zipOf({ 'forecast.py': 'def handler(event, context): return 1' });
  await lambda.createFunction({
    ...{ FunctionName: 'forecast', Role, Runtime: 'python3.13', Handler: 'forecast.handler' },
    Code: { ZipFile },
  });
  await lambda.createFunction({
    ...{ FunctionName: 'picture', Role, PackageType: 'Image' },
    Code: { ImageUri: '1.dkr.ecr.eu-west-1.amazonaws.com/picture:1' },
  });
  await lambda.publishVersion('forecast');
  expect(lambda.getFunction('forecast', '1')).toMatchObject({ Runtime: 'python3.13', PackageType: 'Zip' });
  expect(lambda.getFunction('picture')).toMatchObject({ PackageType: 'Image' });
  await expect(invoke('forecast')).rejects.toMatchObject({
    name: 'InvalidRuntimeException',
    message: expect.stringMatching(/^forecast runs on python3\.13, which the local cloud cannot run/),
  });
  await expect(invoke('picture')).rejects.toThrow('picture is a container image');
  // Nothing was unpacked that a restart could miss.
  await lambda.close();
  lambda = await start();
  expect(lambda.getFunction('forecast', '1').Version).toBe('1');
});
