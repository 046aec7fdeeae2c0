import { createHash } from 'node:crypto';
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  type CreateFunctionCommandInput,
} from '@aws-sdk/client-lambda';
import {
  ARN,
  clock,
  objects,
  cloud,
  lambda,
  operator,
  role,
  zip,
  props,
  createActive,
  waitUpdated,
  invoke,
  named,
  startLambda,
  stopLambda,
} from './setting';
import { ACCOUNT, lambdaClient, REGION, zipOf } from './support';

beforeAll(startLambda);
afterAll(stopLambda);

describe('creating', () => {
  test('a function is Pending first, refuses calls, and then runs with its environment', async () => {
    const settle = clock.hold();
    const environment = { Variables: { COLOUR: 'green' } };
    const created = await operator.send(
      new CreateFunctionCommand(props('fresh', { Environment: environment })),
    );
    expect(created).toMatchObject({
      FunctionArn: `${ARN}fresh`,
      State: 'Pending',
      Version: '$LATEST',
      CodeSize: zip.length,
      CodeSha256: createHash('sha256').update(zip).digest('base64'),
    });
    await expect(invoke('fresh')).rejects.toMatchObject({ name: 'ResourceConflictException' });
    await expect(operator.send(new PublishVersionCommand({ FunctionName: 'fresh' }))).rejects.toMatchObject({
      name: 'ResourceConflictException',
      message: expect.stringContaining('Pending'),
    });
    settle();
    await createActive('fresh2');
    const { output, error, version } = await invoke('fresh2', { a: 1 });
    expect(error).toBeUndefined();
    expect(version).toBe('$LATEST');
    expect(output).toMatchObject({ event: { a: 1 }, name: 'fresh2', version: '$LATEST' });
    await waitUpdated('fresh');
    const { environment: seen } = (await invoke('fresh')).output;
    expect(seen).toMatchObject({
      COLOUR: 'green',
      AWS_REGION: REGION,
      AWS_LAMBDA_FUNCTION_NAME: 'fresh',
      AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9',
    });
  });

  test('a function has the credentials of its role, and no others', async () => {
    await createActive('credentialed');
    const { environment } = (await invoke('credentialed')).output as { environment: Record<string, string> };
    const client = lambdaClient(lambda, {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
      sessionToken: environment['AWS_SESSION_TOKEN'] ?? '',
    });
    await expect(
      client.send(new GetFunctionCommand({ FunctionName: 'credentialed' })),
    ).resolves.toMatchObject({
      Configuration: { FunctionName: 'credentialed' },
    });
    await expect(
      client.send(new DeleteFunctionCommand({ FunctionName: 'credentialed' })),
    ).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('assumed-role/worker/credentialed'),
    });
  });

  test('the package can lie in a bucket, if the caller may read it', async () => {
    objects.set('packages/a.zip', zip);
    const Code = { S3Bucket: 'packages', S3Key: 'a.zip' };
    const limited = cloud.userWith(
      { Effect: 'Allow', Action: 'lambda:*', Resource: '*' },
      { Effect: 'Allow', Action: 'iam:PassRole', Resource: role },
    );
    const create = new CreateFunctionCommand(props('fromBucket', { Code }));
    await expect(lambdaClient(lambda, limited).send(create)).rejects.toEqual(named('AccessDeniedException'));
    await createActive('fromBucket', { Code });
    expect((await invoke('fromBucket')).output).toMatchObject({ name: 'fromBucket' });
  });

  test.each<[string, Partial<CreateFunctionCommandInput>, string]>([
    ['a corrupt zip', { Code: { ZipFile: Buffer.from('not a zip') } }, 'Could not unzip'],
    ['no code', { Code: {} }, 'source for function code'],
    ['a missing object', { Code: { S3Bucket: 'packages', S3Key: 'none' } }, 'NoSuchKey'],
    ['a runtime that Lambda no longer creates', { Runtime: 'nodejs20.x' }, 'Runtime'],
    ['a reserved variable', { Environment: { Variables: { AWS_REGION: 'x' } } }, 'AWS_REGION'],
    ['a role that does not exist', { Role: `arn:aws:iam::${ACCOUNT}:role/none` }, 'cannot be assumed'],
    ['too long a timeout', { Timeout: 901 }, 'Timeout'],
    ['layers', { Layers: ['arn:aws:lambda:eu-central-1:1:layer:a:1'] }, 'Layers'],
    ['a VPC', { VpcConfig: { SubnetIds: ['a'] } }, 'not supported by the local cloud: VpcConfig'],
  ])('refuses %s', async (_what, change, message) => {
    await expect(operator.send(new CreateFunctionCommand(props('bad', change)))).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: expect.stringContaining(message),
    });
    await expect(operator.send(new GetFunctionCommand({ FunctionName: 'bad' }))).rejects.toEqual(
      named('ResourceNotFoundException'),
    );
  });

  test('refuses a package of which two entries cannot lie beside each other', async () => {
    const Code = { ZipFile: await zipOf({ 'index.js': '', index: '', 'index/a.js': '' }) };
    await expect(operator.send(new CreateFunctionCommand(props('bad', { Code })))).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: expect.stringContaining('Could not unzip'),
    });
  });

  test('the same name twice is a conflict, also at the same moment', async () => {
    const results = await Promise.allSettled([
      operator.send(new CreateFunctionCommand(props('twice'))),
      operator.send(new CreateFunctionCommand(props('twice'))),
    ]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(operator.send(new CreateFunctionCommand(props('twice')))).rejects.toEqual(
      named('ResourceConflictException'),
    );
  });
});

test('an operation that is missing is answered as an AWS error and logged', async () => {
  const command = new PublishLayerVersionCommand({ LayerName: 'a', Content: { ZipFile: zip } });
  await expect(operator.send(command)).rejects.toMatchObject({
    name: 'NotImplementedException',
    $metadata: { httpStatusCode: 501 },
  });
  expect(cloud.logs).toContainEqual(
    expect.objectContaining({ level: 40, missing: 'POST /2018-10-31/layers/a/versions' }),
  );
});

test('warming starts an instance, so that the first call finds it', async () => {
  const inProcess = { Role: role, Runtime: 'nodejs22.x' as const, Code: { ZipFile: zip } };
  await lambda.createFunction({ ...inProcess, FunctionName: 'warmed', Handler: 'index.handler' });
  await lambda.warm('warmed');
  expect((await invoke('warmed')).error).toBeUndefined();
  await lambda.createFunction({ ...inProcess, FunctionName: 'cold', Handler: 'index.nothing' });
  await expect(lambda.warm('cold')).rejects.toMatchObject({ code: 'HANDLER_NOT_FOUND' });
});
