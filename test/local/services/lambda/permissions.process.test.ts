import {
  AddPermissionCommand,
  CreateFunctionCommand,
  GetFunctionCommand,
  GetPolicyCommand,
  PublishVersionCommand,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import {
  ARN,
  cloud,
  lambda,
  operator,
  props,
  createActive,
  invoke,
  named,
  startLambda,
  stopLambda,
} from './setting';
import { ACCOUNT, lambdaClient } from './support';

beforeAll(startLambda);
afterAll(stopLambda);

describe('permissions', () => {
  beforeAll(async () => {
    await createActive('guarded');
    await operator.send(new PublishVersionCommand({ FunctionName: 'guarded' }));
  });

  const clientWith = (Action: string, Resource: string): LambdaClient =>
    lambdaClient(lambda, cloud.userWith({ Effect: 'Allow', Action, Resource }));

  test('invoking needs lambda:InvokeFunction on the ARN as it is named', async () => {
    const qualified = clientWith('lambda:InvokeFunction', `${ARN}guarded:1`);
    expect((await invoke('guarded:1', {}, {}, qualified)).version).toBe('1');
    await expect(invoke('guarded', {}, {}, qualified)).rejects.toEqual(named('AccessDeniedException'));
    const unqualified = clientWith('lambda:InvokeFunction', `${ARN}guarded`);
    expect((await invoke('guarded', {}, {}, unqualified)).version).toBe('$LATEST');
    await expect(invoke('guarded:1', {}, {}, unqualified)).rejects.toEqual(named('AccessDeniedException'));
    const none = clientWith('lambda:GetFunction', '*');
    await expect(invoke('guarded', {}, {}, none)).rejects.toEqual(named('AccessDeniedException'));
  });

  test('creating needs iam:PassRole on the role', async () => {
    const client = clientWith('lambda:*', '*');
    await expect(client.send(new CreateFunctionCommand(props('sneaky')))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('iam:PassRole'),
    });
  });

  test('a wrong secret is refused', async () => {
    const { accessKeyId } = cloud.context.iam.operator;
    const forged = lambdaClient(lambda, { accessKeyId, secretAccessKey: 'guess' });
    await expect(forged.send(new GetFunctionCommand({ FunctionName: 'guarded' }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
  });

  test('a service may invoke only with a permission for its source', async () => {
    const caller = (bucket: string) => ({ service: 's3.amazonaws.com', sourceArn: `arn:aws:s3:::${bucket}` });
    const call = (arn: string, bucket: string) =>
      lambda.invokeAsService(arn, caller(bucket), { n: 1 }, 'sync');
    await expect(call(`${ARN}guarded`, 'a')).rejects.toMatchObject({ code: 'AccessDeniedException' });
    await operator.send(
      new AddPermissionCommand({
        FunctionName: 'guarded',
        StatementId: 'bucket',
        Action: 'lambda:InvokeFunction',
        Principal: 's3.amazonaws.com',
        SourceArn: 'arn:aws:s3:::a',
        SourceAccount: ACCOUNT,
      }),
    );
    const { payload } = await call(`${ARN}guarded`, 'a');
    expect(JSON.parse(payload)).toMatchObject({ event: { n: 1 } });
    await expect(call(`${ARN}guarded`, 'b')).rejects.toMatchObject({ code: 'AccessDeniedException' });
    await expect(call(`${ARN}guarded:1`, 'a')).rejects.toMatchObject({ code: 'AccessDeniedException' });
    lambda.addPermission(`${ARN}guarded:1`, {
      Action: 'lambda:InvokeFunction',
      Principal: 's3.amazonaws.com',
    });
    expect((await call(`${ARN}guarded:1`, 'b')).executedVersion).toBe('1');

    const { Policy } = await operator.send(new GetPolicyCommand({ FunctionName: 'guarded' }));
    expect(JSON.parse(Policy ?? '')).toMatchObject({
      Statement: [{ Sid: 'bucket', Resource: `${ARN}guarded` }],
    });
    lambda.removePermission('guarded', 'bucket');
    await expect(call(`${ARN}guarded`, 'a')).rejects.toMatchObject({ code: 'AccessDeniedException' });
  });
});
