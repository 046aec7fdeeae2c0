import {
  CreateAliasCommand,
  DeleteFunctionCommand,
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import {
  ARN,
  clock,
  operator,
  zip,
  createActive,
  waitUpdated,
  invoke,
  logged,
  named,
  startLambda,
  stopLambda,
} from './setting';
import { zipOf } from './support';

beforeAll(startLambda);
afterAll(stopLambda);

describe('updating and publishing', () => {
  const code = (text: string): Promise<Buffer> =>
    zipOf({ 'index.js': `exports.handler = async () => '${text}';` });

  test('an update is in progress for a while: the old code serves, other changes are refused', async () => {
    await createActive('changing', { Code: { ZipFile: await code('old') } });
    expect((await invoke('changing')).output).toBe('old');
    const settle = clock.hold();
    const updated = await operator.send(
      new UpdateFunctionCodeCommand({ FunctionName: 'changing', ZipFile: await code('new') }),
    );
    expect(updated.LastUpdateStatus).toBe('InProgress');
    expect((await invoke('changing')).output).toBe('old');
    const configure = new UpdateFunctionConfigurationCommand({ FunctionName: 'changing', Timeout: 9 });
    await expect(operator.send(configure)).rejects.toEqual(named('ResourceConflictException'));
    await expect(
      operator.send(new PublishVersionCommand({ FunctionName: 'changing' })),
    ).rejects.toMatchObject({
      message: expect.stringContaining('An update is in progress'),
    });
    settle();
    await waitUpdated('changing');
    expect((await invoke('changing')).output).toBe('new');
    await operator.send(configure);
    await waitUpdated('changing');
    const configuration = await operator.send(
      new GetFunctionConfigurationCommand({ FunctionName: 'changing' }),
    );
    expect(configuration).toMatchObject({
      Timeout: 9,
      LastUpdateStatus: 'Successful',
      Handler: 'index.handler',
    });
  });

  test('a version is published once per content; qualifiers and aliases choose', async () => {
    await createActive('versioned', { Code: { ZipFile: await code('one') } });
    const publish = new PublishVersionCommand({ FunctionName: 'versioned' });
    const first = await operator.send(publish);
    expect(first).toMatchObject({ Version: '1', FunctionArn: `${ARN}versioned:1`, State: 'Active' });
    expect((await operator.send(publish)).Version).toBe('1');
    await operator.send(
      new CreateAliasCommand({ FunctionName: 'versioned', Name: 'live', FunctionVersion: '1' }),
    );
    await operator.send(
      new UpdateFunctionCodeCommand({ FunctionName: 'versioned', ZipFile: await code('two') }),
    );
    await waitUpdated('versioned');
    const CodeSha256 = first.CodeSha256;
    await expect(
      operator.send(new PublishVersionCommand({ FunctionName: 'versioned', CodeSha256 })),
    ).rejects.toEqual(named('InvalidParameterValueException'));
    expect((await operator.send(publish)).Version).toBe('2');

    expect(await invoke('versioned', {}, { Qualifier: 'live' })).toMatchObject({
      output: 'one',
      version: '1',
    });
    expect(await invoke(`${ARN}versioned:2`)).toMatchObject({ output: 'two', version: '2' });
    expect(await invoke('versioned:$LATEST')).toMatchObject({ output: 'two', version: '$LATEST' });
    await expect(invoke('versioned', {}, { Qualifier: '7' })).rejects.toEqual(
      named('ResourceNotFoundException'),
    );

    await operator.send(
      new UpdateAliasCommand({ FunctionName: 'versioned', Name: 'live', FunctionVersion: '2' }),
    );
    expect(await invoke('versioned', {}, { Qualifier: 'live' })).toMatchObject({
      output: 'two',
      version: '2',
    });
    const alias = await operator.send(new GetAliasCommand({ FunctionName: 'versioned', Name: 'live' }));
    expect(alias).toMatchObject({ AliasArn: `${ARN}versioned:live`, FunctionVersion: '2' });
    const { Versions } = await operator.send(
      new ListVersionsByFunctionCommand({ FunctionName: 'versioned' }),
    );
    expect(Versions?.map(({ Version }) => Version)).toEqual(['$LATEST', '1', '2']);
  });

  test('an alias to a version that is not there, a second alias of the name, and an old revision', async () => {
    await createActive('aliased');
    const alias = (FunctionVersion: string) =>
      operator.send(new CreateAliasCommand({ FunctionName: 'aliased', Name: 'live', FunctionVersion }));
    await expect(alias('4')).rejects.toEqual(named('ResourceNotFoundException'));
    await alias('$LATEST');
    await expect(alias('$LATEST')).rejects.toEqual(named('ResourceConflictException'));
    await expect(
      operator.send(
        new UpdateFunctionCodeCommand({ FunctionName: 'aliased', ZipFile: zip, RevisionId: 'old' }),
      ),
    ).rejects.toEqual(named('PreconditionFailedException'));
  });

  test('calls in flight finish on the old code', async () => {
    const slow = `exports.handler = (event, context, done) => {
      console.log('begun', event.ms);
      setTimeout(() => done(null, 'old'), event.ms);
    };`;
    await createActive('busy', { Code: { ZipFile: await zipOf({ 'index.js': slow }) } });
    await invoke('busy', { ms: 0 });
    const inFlight = invoke('busy', { ms: 500 });
    await logged('begun 500');
    await operator.send(new UpdateFunctionCodeCommand({ FunctionName: 'busy', ZipFile: await code('new') }));
    await waitUpdated('busy');
    expect((await invoke('busy')).output).toBe('new');
    expect((await inFlight).output).toBe('old');
  });

  test('a deleted function is gone, with its versions', async () => {
    await createActive('doomed');
    await operator.send(new PublishVersionCommand({ FunctionName: 'doomed' }));
    await operator.send(new DeleteFunctionCommand({ FunctionName: 'doomed' }));
    await expect(invoke('doomed:1')).rejects.toEqual(named('ResourceNotFoundException'));
  });
});
