import {
  CreateCoreDefinitionCommand,
  CreateDeviceDefinitionCommand,
  CreateFunctionDefinitionCommand,
  CreateFunctionDefinitionVersionCommand,
  CreateGroupCommand,
  CreateGroupVersionCommand,
  CreateLoggerDefinitionCommand,
  CreateResourceDefinitionCommand,
  CreateSubscriptionDefinitionCommand,
  DeleteFunctionDefinitionCommand,
  GetFunctionDefinitionCommand,
  GetFunctionDefinitionVersionCommand,
  GetGroupCommand,
  GetGroupVersionCommand,
  ListFunctionDefinitionsCommand,
  ListFunctionDefinitionVersionsCommand,
  ListGroupsCommand,
  ListGroupVersionsCommand,
  UpdateFunctionDefinitionCommand,
  UpdateGroupCommand,
} from '@aws-sdk/client-greengrass';
import { ACCOUNT, REGION, startV1, type TestV1 } from './harness';

const LAMBDA = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:detect`;
const THING = `arn:aws:iot:${REGION}:${ACCOUNT}:thing/`;
const CERT = `arn:aws:iot:${REGION}:${ACCOUNT}:cert/${'a'.repeat(64)}`;

let v1: TestV1;
beforeEach(async () => {
  v1 = await startV1({ pageSize: 3 });
});
afterEach(() => v1.close());

const failure = (name: string, message?: RegExp) =>
  expect.objectContaining({ name, ...(message && { message: expect.stringMatching(message) as string }) });
const functions = (count: number, at = 0) =>
  Array.from({ length: count }, (_, n) => ({ Id: `f${n + at}`, FunctionArn: `${LAMBDA}${n + at}:1` }));
const createFunctions = (Functions: object[]) =>
  v1.client.send(
    new CreateFunctionDefinitionCommand({ InitialVersion: { Functions: Functions as { Id: string }[] } }),
  );

test('a definition has immutable versions, of which the latest is its own', async () => {
  const { client } = v1;
  const created = await client.send(new CreateFunctionDefinitionCommand({ Name: 'ours' }));
  expect(created).toMatchObject({ Name: 'ours', Id: expect.any(String) as string });
  expect(created).not.toHaveProperty('LatestVersion', expect.anything());
  const FunctionDefinitionId = created.Id;
  const versions = [];
  for (const count of [1, 2]) {
    versions.push(
      await client.send(
        new CreateFunctionDefinitionVersionCommand({ FunctionDefinitionId, Functions: functions(count) }),
      ),
    );
  }
  const [first, second] = versions;
  expect(first?.Arn).toBe(
    `arn:aws:greengrass:${REGION}:${ACCOUNT}:/greengrass/definition/functions/${FunctionDefinitionId}/versions/${first?.Version}`,
  );
  const { $metadata: _, ...definition } = await client.send(
    new GetFunctionDefinitionCommand({ FunctionDefinitionId }),
  );
  expect(definition).toMatchObject({ LatestVersion: second?.Version, LatestVersionArn: second?.Arn });
  const read = await client.send(
    new GetFunctionDefinitionVersionCommand({
      FunctionDefinitionId,
      FunctionDefinitionVersionId: first?.Version,
    }),
  );
  expect(read.Definition?.Functions).toEqual(functions(1));
  const { Versions } = await client.send(new ListFunctionDefinitionVersionsCommand({ FunctionDefinitionId }));
  expect(Versions?.map(({ Version }) => Version)).toEqual([second?.Version, first?.Version]);
});

test('lists and the entries of a version come in pages', async () => {
  const { client } = v1;
  const { Id: FunctionDefinitionId, LatestVersion: FunctionDefinitionVersionId } = await createFunctions(
    functions(7),
  );
  const read: unknown[] = [];
  let NextToken: string | undefined;
  let pages = 0;
  do {
    const page = await client.send(
      new GetFunctionDefinitionVersionCommand({
        FunctionDefinitionId,
        FunctionDefinitionVersionId,
        ...(NextToken && { NextToken }),
      }),
    );
    read.push(...(page.Definition?.Functions ?? []));
    NextToken = page.NextToken;
    pages += 1;
  } while (NextToken);
  expect(read).toEqual(functions(7));
  expect(pages).toBe(3);
  await createFunctions([]);
  const some = await client.send(new ListFunctionDefinitionsCommand({ MaxResults: '1' }));
  expect(some.Definitions).toHaveLength(1);
  expect(some.NextToken).toBe('1');
  await expect(client.send(new ListGroupsCommand({ NextToken: 'nonsense' }))).rejects.toEqual(
    failure('InvalidInputException'),
  );
});

test('ids and ARNs have to have their form', async () => {
  const refused = async (entry: object) =>
    expect(createFunctions([entry])).rejects.toEqual(failure('InvalidContainerDefinitionException'));
  await refused({ Id: 'with space', FunctionArn: `${LAMBDA}:1` });
  await refused({ Id: 'x'.repeat(129), FunctionArn: `${LAMBDA}:1` });
  await refused({ Id: 'a', FunctionArn: LAMBDA });
  await refused({ Id: 'a', FunctionArn: `${LAMBDA}:$LATEST` });
  await refused({ Id: 'a', FunctionArn: `${LAMBDA}:1`, FunctionConfiguration: { MemorySize: -1 } });
  await createFunctions([{ Id: 'a', FunctionArn: `${LAMBDA}:live` }]);
});

test('ids, functions and things are there once per version', async () => {
  await expect(createFunctions([...functions(1), ...functions(1)])).rejects.toEqual(
    failure('InvalidContainerDefinitionException', /Id 'f0' is used more than once.*FunctionArn/),
  );
  const device = { Id: 'a', ThingArn: `${THING}camera`, CertificateArn: CERT };
  await expect(
    v1.client.send(
      new CreateDeviceDefinitionCommand({ InitialVersion: { Devices: [device, { ...device, Id: 'b' }] } }),
    ),
  ).rejects.toEqual(failure('InvalidContainerDefinitionException', /ThingArn/));
});

test('quotas: one core, 200 functions, 50 subscriptions from the cloud', async () => {
  await expect(createFunctions(functions(201))).rejects.toEqual(
    failure('InvalidContainerDefinitionException', /quota of 200/),
  );
  const core = (n: number) => ({ Id: `c${n}`, ThingArn: `${THING}core-${n}`, CertificateArn: CERT });
  await expect(
    v1.client.send(new CreateCoreDefinitionCommand({ InitialVersion: { Cores: [core(1), core(2)] } })),
  ).rejects.toEqual(failure('InvalidContainerDefinitionException', /quota of 1/));
  const fromCloud = Array.from({ length: 51 }, (_, n) => ({
    Id: `s${n}`,
    Source: 'cloud',
    Subject: `t/${n}`,
    Target: `${LAMBDA}:1`,
  }));
  await expect(
    v1.client.send(new CreateSubscriptionDefinitionCommand({ InitialVersion: { Subscriptions: fromCloud } })),
  ).rejects.toEqual(failure('InvalidContainerDefinitionException', /quota of 50/));
});

test('subscriptions are between things, functions, connectors, the cloud and the shadow service', async () => {
  const create = (Source: string, Subject = 'a/#') =>
    v1.client.send(
      new CreateSubscriptionDefinitionCommand({
        InitialVersion: { Subscriptions: [{ Id: 's', Source, Subject, Target: 'GGShadowService' }] },
      }),
    );
  for (const source of ['cloud', `${THING}camera`, `${LAMBDA}:1`]) await create(source);
  await create(`arn:aws:greengrass:${REGION}::/connectors/SNS/versions/1`);
  for (const source of ['somewhere', LAMBDA]) {
    await expect(create(source)).rejects.toEqual(failure('InvalidContainerDefinitionException'));
  }
  await create('cloud', 'a/b/c/d/e/f/g/h');
  for (const topic of ['', 'a/b/c/d/e/f/g/h/i', 'ä'.repeat(129)]) {
    await expect(create('cloud', topic)).rejects.toEqual(failure('InvalidContainerDefinitionException'));
  }
});

test('resources: one type each, devices below /dev, no volume of /sys', async () => {
  const create = (data: object) =>
    v1.client.send(
      new CreateResourceDefinitionCommand({
        InitialVersion: { Resources: [{ Id: 'r', Name: 'r', ResourceDataContainer: data }] },
      }),
    );
  await create({ LocalDeviceResourceData: { SourcePath: '/dev/video0' } });
  for (const data of [
    { LocalDeviceResourceData: { SourcePath: '/tmp/video0' } },
    { LocalVolumeResourceData: { SourcePath: '/sys/class', DestinationPath: '/x' } },
    { LocalVolumeResourceData: { SourcePath: '/a' }, LocalDeviceResourceData: { SourcePath: '/dev/b' } },
  ]) {
    await expect(create(data)).rejects.toEqual(failure('InvalidContainerDefinitionException'));
  }
});

test('loggers have a component, a level and a type', async () => {
  const create = (Level: 'INFO') =>
    v1.client.send(
      new CreateLoggerDefinitionCommand({
        InitialVersion: { Loggers: [{ Id: 'l', Component: 'Lambda', Level, Type: 'FileSystem' }] },
      }),
    );
  await create('INFO');
  await expect(create('LOUD' as 'INFO')).rejects.toEqual(failure('InvalidContainerDefinitionException'));
});

test('a definition is renamed and deleted; one that is not there is not found', async () => {
  const { client } = v1;
  const { Id: FunctionDefinitionId } = await createFunctions([]);
  await client.send(new UpdateFunctionDefinitionCommand({ FunctionDefinitionId, Name: 'new' }));
  expect(await client.send(new GetFunctionDefinitionCommand({ FunctionDefinitionId }))).toMatchObject({
    Name: 'new',
  });
  await client.send(new DeleteFunctionDefinitionCommand({ FunctionDefinitionId }));
  await expect(client.send(new GetFunctionDefinitionCommand({ FunctionDefinitionId }))).rejects.toEqual(
    failure('IdNotFoundException'),
  );
});

test('a group version names definition versions that exist; what is left out is not in it', async () => {
  const { client } = v1;
  const { LatestVersionArn } = await createFunctions([]);
  const InitialVersion = { FunctionDefinitionVersionArn: LatestVersionArn! };
  const { Id: GroupId, LatestVersion } = await client.send(
    new CreateGroupCommand({ Name: 'plant', InitialVersion }),
  );
  const versionOf = async (GroupVersionId: string | undefined) =>
    (await client.send(new GetGroupVersionCommand({ GroupId, GroupVersionId }))).Definition;
  expect(await versionOf(LatestVersion)).toEqual(InitialVersion);
  const { Version } = await client.send(new CreateGroupVersionCommand({ GroupId }));
  expect(await versionOf(Version)).toEqual({});
  const { Versions } = await client.send(new ListGroupVersionsCommand({ GroupId }));
  expect(Versions?.map((one) => one.Version)).toEqual([Version, LatestVersion]);
  for (const arn of ['nonsense', `${LatestVersionArn}x`]) {
    const command = new CreateGroupVersionCommand({ GroupId, FunctionDefinitionVersionArn: arn });
    await expect(client.send(command)).rejects.toEqual(
      failure('InvalidContainerDefinitionException', /Function definition reference does not exist/),
    );
  }
  await client.send(new UpdateGroupCommand({ GroupId, Name: 'works' }));
  expect(await client.send(new GetGroupCommand({ GroupId }))).toMatchObject({ Name: 'works' });
});

test('everything is there after a restart', async () => {
  const { Id } = await v1.client.send(new CreateGroupCommand({ Name: 'plant' }));
  await v1.restart();
  const { Groups } = await v1.client.send(new ListGroupsCommand({}));
  expect(Groups).toMatchObject([{ Id, Name: 'plant' }]);
});
