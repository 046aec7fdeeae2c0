import {
  CreateFunctionCommand,
  GetFunctionConfigurationCommand,
  GetFunctionEventInvokeConfigCommand,
  GetPolicyCommand,
} from '@aws-sdk/client-lambda';
import type { FunctionProps } from '../../../../local/services/lambda';
import {
  lambda,
  operator,
  FunctionName,
  GRANT,
  named,
  begin,
  end,
  restart,
  props,
  invoke,
} from './restarting';

beforeEach(begin);
afterEach(end);

describe('a function that a stack made', () => {
  const STACK = 'shop-dev';
  const deploy = async (change: Partial<FunctionProps> = {}, stackName = STACK) =>
    lambda.createFunction({ ...(await props()), ...change }, stackName);

  beforeEach(async () => {
    await deploy({ Timeout: 9, Description: 'first' });
    await lambda.publishVersion(FunctionName);
    lambda.createAlias(FunctionName, { Name: 'live', FunctionVersion: '1' });
    lambda.addPermission(FunctionName, { StatementId: 'gone', ...GRANT });
    lambda.setEventInvokeConfig(FunctionName, { MaximumRetryAttempts: 0 });
  });

  test('is the same when it is deployed again unchanged after a restart', async () => {
    const before = lambda.getFunction(FunctionName);
    await restart();
    await expect(deploy({ Timeout: 9, Description: 'first' })).resolves.toEqual(before);
    await expect(lambda.publishVersion(FunctionName)).resolves.toMatchObject({ Version: '1' });
    expect(lambda.getFunction(FunctionName, 'live')).toMatchObject({ Timeout: 9 });
  });

  test('is changed in place: what is no longer wanted goes, versions and aliases stay', async () => {
    await restart();
    const { ZipFile } = (await props('two')).Code;
    await expect(deploy({ Code: { ZipFile }, ReservedConcurrentExecutions: 1 })).resolves.toMatchObject({
      Timeout: 3,
      Description: '',
    });
    await expect(invoke()).resolves.toBe('two green');
    await expect(invoke('live')).resolves.toBe('one green');
    await expect(operator.send(new GetPolicyCommand({ FunctionName }))).rejects.toEqual(
      named('ResourceNotFoundException'),
    );
    const config = new GetFunctionEventInvokeConfigCommand({ FunctionName });
    await expect(operator.send(config)).rejects.toEqual(named('ResourceNotFoundException'));
    await expect(lambda.publishVersion(FunctionName)).resolves.toMatchObject({ Version: '2' });
    await restart();
    await expect(operator.send(new GetPolicyCommand({ FunctionName }))).rejects.toEqual(
      named('ResourceNotFoundException'),
    );
    await expect(operator.send(new GetFunctionConfigurationCommand({ FunctionName }))).resolves.toMatchObject(
      { Timeout: 3, CodeSize: ZipFile.length },
    );
  });

  test('can be deployed after a deployment that failed', async () => {
    await restart();
    await expect(deploy({ Code: { ZipFile: Buffer.from('no zip') } })).rejects.toEqual(
      named('InvalidParameterValueException'),
    );
    await expect(deploy()).resolves.toMatchObject({ State: 'Active' });
  });

  test('is not made twice by a stack, nor taken by another', async () => {
    const conflict = named('ResourceConflictException');
    await expect(deploy()).rejects.toEqual(conflict);
    await restart();
    await expect(deploy({}, 'other-dev')).rejects.toEqual(conflict);
    await expect(operator.send(new CreateFunctionCommand(await props()))).rejects.toEqual(conflict);
    await deploy();
    await expect(deploy()).rejects.toEqual(conflict);
  });
});
