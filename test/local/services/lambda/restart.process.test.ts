import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  DeleteFunctionEventInvokeConfigCommand,
  GetAliasCommand,
  GetFunctionEventInvokeConfigCommand,
  GetPolicyCommand,
  PutFunctionEventInvokeConfigCommand,
  RemovePermissionCommand,
  UpdateAliasCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import {
  cloud,
  lambda,
  operator,
  clock,
  code,
  FunctionName,
  GRANT,
  S3,
  named,
  begin,
  end,
  start,
  stop,
  restart,
  props,
  waiting,
  create,
  updateCode,
  publish,
  invoke,
  versions,
  state,
  folder,
} from './restarting';

beforeEach(begin);
afterEach(end);

describe('a function that was made through the API', () => {
  test('is there again with versions, alias, permission, event-invoke configuration and usable code', async () => {
    await create();
    await publish();
    await operator.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
    await updateCode('two');
    await publish();
    await operator.send(new AddPermissionCommand({ FunctionName, StatementId: 'plain', ...GRANT }));
    await operator.send(
      new AddPermissionCommand({
        FunctionName,
        Qualifier: 'live',
        StatementId: 'by-alias',
        SourceArn: S3.sourceArn,
        ...GRANT,
      }),
    );
    await operator.send(
      new PutFunctionEventInvokeConfigCommand({ FunctionName, Qualifier: 'live', MaximumRetryAttempts: 1 }),
    );
    const seen = async () => ({
      versions: await versions(),
      alias: await operator
        .send(new GetAliasCommand({ FunctionName, Name: 'live' }))
        .then(({ $metadata: _, ...alias }) => alias),
      policies: await Promise.all(
        [undefined, 'live'].map((Qualifier) =>
          operator.send(new GetPolicyCommand({ FunctionName, Qualifier })).then(({ Policy }) => Policy),
        ),
      ),
      retries: await operator
        .send(new GetFunctionEventInvokeConfigCommand({ FunctionName, Qualifier: 'live' }))
        .then(({ MaximumRetryAttempts }) => MaximumRetryAttempts),
    });
    const before = await seen();
    await restart();
    await expect(seen()).resolves.toEqual(before);
    await expect(invoke()).resolves.toBe('two green');
    await expect(invoke('live')).resolves.toBe('one green');
    await expect(
      lambda.invokeAsService(`${lambda.functionArn(FunctionName)}:live`, S3, {}, 'sync'),
    ).resolves.toMatchObject({ payload: '"one green"', executedVersion: '1' });
    await expect(publish()).resolves.toMatchObject({ Version: '2' });
    await updateCode('three');
    await expect(publish()).resolves.toMatchObject({ Version: '3' });
  });

  test('stays without what was taken from it, and never gives a number twice', async () => {
    await create();
    await publish();
    await updateCode('two');
    await publish();
    await operator.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
    await operator.send(
      new AddPermissionCommand({ FunctionName, StatementId: 'a', Qualifier: 'live', ...GRANT }),
    );
    await operator.send(new AddPermissionCommand({ FunctionName, StatementId: 'b', ...GRANT }));
    await operator.send(new RemovePermissionCommand({ FunctionName, StatementId: 'b' }));
    await operator.send(new DeleteAliasCommand({ FunctionName, Name: 'live' }));
    await operator.send(new DeleteFunctionCommand({ FunctionName, Qualifier: '2' }));
    await restart();
    await expect(versions()).resolves.toMatchObject([{ Version: '$LATEST' }, { Version: '1' }]);
    await expect(invoke('live')).rejects.toEqual(named('ResourceNotFoundException'));
    await expect(operator.send(new GetPolicyCommand({ FunctionName }))).rejects.toEqual(
      named('ResourceNotFoundException'),
    );
    await expect(publish()).resolves.toMatchObject({ Version: '3' });
    await operator.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '3' }));
    await expect(operator.send(new GetPolicyCommand({ FunctionName, Qualifier: 'live' }))).rejects.toEqual(
      named('ResourceNotFoundException'),
    );
    await operator.send(new DeleteFunctionCommand({ FunctionName }));
    await restart();
    await expect(invoke()).rejects.toEqual(named('ResourceNotFoundException'));
  });

  const Name = 'live';
  const StatementId = 'a';
  const changes: Record<string, () => Promise<unknown>> = {
    'a version': async () => (await updateCode('two'), publish()),
    'no version': () => operator.send(new DeleteFunctionCommand({ FunctionName, Qualifier: '1' })),
    'a configuration': () =>
      operator.send(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 7 })),
    code: () => updateCode('two'),
    'an alias': () => operator.send(new CreateAliasCommand({ FunctionName, Name, FunctionVersion: '1' })),
    'a moved alias': () =>
      operator.send(new UpdateAliasCommand({ FunctionName, Name: 'base', FunctionVersion: '$LATEST' })),
    'no alias': () => operator.send(new DeleteAliasCommand({ FunctionName, Name: 'base' })),
    'a permission': () => operator.send(new AddPermissionCommand({ FunctionName, StatementId, ...GRANT })),
    'no permission': () => operator.send(new RemovePermissionCommand({ FunctionName, StatementId: 'base' })),
    'an event-invoke configuration': () =>
      operator.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 1 })),
    'no event-invoke configuration': () =>
      operator.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName })),
  };

  test.each(Object.keys(changes))('keeps its last change before the restart: %s', async (change) => {
    await create();
    await publish();
    const base = { FunctionName, Name: 'base', FunctionVersion: change === 'no version' ? '$LATEST' : '1' };
    await operator.send(new CreateAliasCommand(base));
    await operator.send(new AddPermissionCommand({ FunctionName, StatementId: 'base', ...GRANT }));
    await operator.send(new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 0 }));
    const before = await state();
    await changes[change]?.();
    await waitUntilFunctionUpdatedV2(waiting(), { FunctionName });
    const after = await state();
    expect(after).not.toEqual(before);
    await restart();
    await expect(state()).resolves.toEqual(after);
  });

  test('is there also when it was accepted and still Pending', async () => {
    clock.hold();
    const { State } = await operator.send(new CreateFunctionCommand(await props()));
    expect(State).toBe('Pending');
    await restart();
    await expect(invoke()).resolves.toBe('one green');
  });

  test('does not come back when it is deleted under an update', async () => {
    await create();
    const ZipFile = await code('two');
    const update = lambda.updateFunction(FunctionName, { Code: { ZipFile } });
    await lambda.deleteFunction(FunctionName);
    await expect(update).rejects.toEqual(named('ResourceNotFoundException'));
    await restart();
    await expect(invoke()).rejects.toEqual(named('ResourceNotFoundException'));
  });
});

describe('the folder', () => {
  test('loses code that no version uses, and what a crash left half done', async () => {
    await create();
    await publish();
    await updateCode('two');
    await updateCode('three');
    await mkdir(path.join(folder('code'), 'abc.tmp', 'half'), { recursive: true });
    const packages = async () => (await readdir(folder('code'))).filter((name) => name !== 'package.json');
    await expect(packages()).resolves.toHaveLength(4);
    await restart();
    await expect(packages()).resolves.toHaveLength(2);
    await expect(Promise.all([invoke('1'), invoke()])).resolves.toEqual(['one green', 'three green']);
  });

  test('without the code of a function has no such function, which can be made again', async () => {
    await create();
    await stop();
    await rm(folder('code'), { recursive: true });
    await start();
    expect(cloud.logs).toContainEqual(expect.objectContaining({ level: 50, function: FunctionName }));
    await create();
    await expect(invoke()).resolves.toBe('one green');
  });

  test('is refused when a file of it is damaged', async () => {
    await create();
    const file = path.join(folder('functions'), (await readdir(folder('functions')))[0] ?? '');
    await writeFile(file, '{"format":1');
    await expect(start()).rejects.toThrow(file);
    expect(existsSync(file)).toBe(true);
  });
});
